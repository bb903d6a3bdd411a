// SPDX-License-Identifier: MIT OR Apache-2.0
// Measures the reference client for the benches: JSON lines in, JSON lines out.
//
// Like `tests/interop/peer.mjs` it is written from the public names of `@signalapp/libsignal-client`,
// a package under the AGPL that it loads at run time as a black box, in this process of its own.
// Bytes in, bytes out: what is measured contains the bridge from JavaScript and the calls of stores.
// The stores hold the records as they are handed over and encode nothing, which is the quickest way.
//
// A request is {"op": name, "rounds": number, "operations": number, ...}; its reply is
// {"ok": [nanoseconds of each round]}, or {"error": name, "code": number, "message": text}.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

import { makeStores } from '../tests/interop/stores.mjs';

const PACKAGE = '@signalapp/libsignal-client';
const WARM_UP_ROUNDS = 5;
const SESSIONS = 1_000;
const SKIPPED = 1_000;
const GROUP = '11111111-2222-4333-8444-555555555555';

const require = createRequire(join(process.argv[2], 'none.js'));
const signal = await import(pathToFileURL(require.resolve(PACKAGE)).href);

function heldSessions() {
  const records = new Map();
  class Sessions extends signal.SessionStore {
    async saveSession(address, record) {
      records.set(address.toString(), record);
    }
    async getSession(address) {
      return records.get(address.toString()) ?? null;
    }
    async getExistingSessions(addresses) {
      return addresses.map((address) => records.get(address.toString()));
    }
  }
  return new Sessions();
}

function heldSenderKeys() {
  const records = new Map();
  class SenderKeys extends signal.SenderKeyStore {
    async saveSenderKey(sender, distribution, record) {
      records.set(`${sender} ${distribution}`, record);
    }
    async getSenderKey(sender, distribution) {
      return records.get(`${sender} ${distribution}`) ?? null;
    }
  }
  return new SenderKeys();
}

/** A device with a fresh identity and empty stores. */
function makeDevice(name) {
  const identity = signal.IdentityKeyPair.generate();
  const stores = {
    ...makeStores(signal, identity, 1),
    sessions: heldSessions(),
    senderKeys: heldSenderKeys(),
  };
  return { identity, stores, address: signal.ProtocolAddress.new(name, 1), nextPrekey: 1 };
}

/** A bundle with one-time keys as the bytes that a server would deliver. */
async function makeBundle(device) {
  const { identity, stores } = device;
  const id = device.nextPrekey;
  device.nextPrekey += 1;
  const [oneTime, signed] = [signal.PrivateKey.generate(), signal.PrivateKey.generate()];
  const kyber = signal.KEMKeyPair.generate();
  const sign = (key) => identity.privateKey.sign(key.serialize());
  const signatures = [sign(signed.getPublicKey()), sign(kyber.getPublicKey())];
  const [now, record] = [Date.now(), signal.SignedPreKeyRecord];
  await stores.signed.saveSignedPreKey(
    id,
    record.new(id, now, signed.getPublicKey(), signed, signatures[0]),
  );
  const kyberRecord = signal.KyberPreKeyRecord.new(id, now, kyber, signatures[1]);
  await stores.kyber.saveKyberPreKey(id, kyberRecord, false);
  await stores.prekeys.savePreKey(
    id,
    signal.PreKeyRecord.new(id, oneTime.getPublicKey(), oneTime),
  );
  const keys = [oneTime, signed].map((key) => key.getPublicKey().serialize());
  return [id, ...keys, signatures[0], identity.publicKey.serialize(), kyber.getPublicKey().serialize(), signatures[1]];
}

async function start(device, peer, [id, oneTime, signed, signedSignature, identity, kyber, kyberSignature]) {
  const key = (bytes) => signal.PublicKey.deserialize(bytes);
  const bundle = signal.PreKeyBundle.new(
    1, 1, id, key(oneTime), id, key(signed), signedSignature, key(identity),
    id, signal.KEMPublicKey.deserialize(kyber), kyberSignature,
  );
  const { sessions, identities } = device.stores;
  await signal.processPreKeyBundle(bundle, peer, device.address, sessions, identities);
}

async function encrypt(device, peer, plaintext) {
  const { sessions, identities } = device.stores;
  const message = await signal.signalEncrypt(plaintext, peer, device.address, sessions, identities);
  return message.serialize();
}

function decrypt(device, peer, bytes) {
  const { sessions, identities } = device.stores;
  const message = signal.SignalMessage.deserialize(bytes);
  return signal.signalDecrypt(message, peer, device.address, sessions, identities);
}

function accept(device, peer, bytes) {
  const { sessions, identities, prekeys, signed, kyber } = device.stores;
  const message = signal.PreKeySignalMessage.deserialize(bytes);
  return signal.signalDecryptPreKey(
    message, peer, device.address, sessions, identities, prekeys, signed, kyber,
  );
}

/** Both ends of an acknowledged session: once there and once back. */
async function converse(aliceName = 'alice', known = undefined) {
  const alice = makeDevice(aliceName);
  const bob = known ?? makeDevice('bob');
  await start(alice, bob.address, await makeBundle(bob));
  await accept(bob, alice.address, await encrypt(alice, bob.address, new Uint8Array(0)));
  await decrypt(alice, bob.address, await encrypt(bob, alice.address, new Uint8Array(0)));
  return { alice, bob };
}

async function many(count, make) {
  const made = [];
  for (let number = 0; number < count; number += 1) made.push(await make(number));
  return made;
}

/** Nanoseconds of each round; what a round takes is prepared outside of its time. */
async function measure({ rounds }, prepare, run) {
  const times = [];
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    const prepared = await prepare();
    const began = process.hrtime.bigint();
    await run(prepared);
    const took = Number(process.hrtime.bigint() - began);
    if (round >= 0) times.push(took);
  }
  return times;
}

const operations = {
  versions: () => ({ peer: require(`${PACKAGE}/package.json`).version, node: process.versions.node }),

  async start(request) {
    const bob = makeDevice('bob');
    const prepare = () =>
      many(request.operations, async () => [makeDevice('alice'), await makeBundle(bob)]);
    return measure(request, prepare, async (prepared) => {
      for (const [alice, bundle] of prepared) await start(alice, bob.address, bundle);
    });
  },

  async accept(request) {
    const bob = makeDevice('bob');
    let senders = 0;
    const prepare = () =>
      many(request.operations, async () => {
        senders += 1;
        const alice = makeDevice(`alice ${senders}`);
        await start(alice, bob.address, await makeBundle(bob));
        const plaintext = new Uint8Array(request.length);
        return [alice.address, await encrypt(alice, bob.address, plaintext)];
      });
    return measure(request, prepare, async (prepared) => {
      for (const [from, message] of prepared) await accept(bob, from, message);
    });
  },

  async encrypt(request) {
    const { alice, bob } = await converse();
    const plaintext = new Uint8Array(request.length);
    return measure(request, () => request.operations, async (count) => {
      for (let sent = 0; sent < count; sent += 1) await encrypt(bob, alice.address, plaintext);
    });
  },

  async decrypt(request) {
    const { alice, bob } = await converse();
    const plaintext = new Uint8Array(request.length);
    const prepare = () => many(request.operations, () => encrypt(bob, alice.address, plaintext));
    return measure(request, prepare, async (messages) => {
      for (const message of messages) await decrypt(alice, bob.address, message);
    });
  },

  async exchange(request) {
    const { alice, bob } = await converse();
    const plaintext = new Uint8Array(request.length);
    return measure(request, () => request.operations, async (count) => {
      for (let turn = 0; turn < count; turn += 1) {
        const [from, to] = turn % 2 === 0 ? [alice, bob] : [bob, alice];
        await decrypt(to, from.address, await encrypt(from, to.address, plaintext));
      }
    });
  },

  async skip(request) {
    const plaintext = new Uint8Array(request.length);
    const prepare = async () => {
      const { alice, bob } = await converse();
      const messages = await many(SKIPPED + 1, () => encrypt(bob, alice.address, plaintext));
      return [alice, bob, messages[SKIPPED]];
    };
    return measure(request, prepare, ([alice, bob, late]) => decrypt(alice, bob.address, late));
  },

  async fanOut(request) {
    const bob = makeDevice('bob');
    const plaintext = new Uint8Array(request.length);
    const peers = await many(SESSIONS, async (number) => {
      const { alice } = await converse(`alice ${number}`, bob);
      return alice.address;
    });
    return measure(request, () => peers, async (addresses) => {
      for (const address of addresses) await encrypt(bob, address, plaintext);
    });
  },

  async groupEncrypt(request) {
    const { address, stores } = await makeWriter();
    const plaintext = new Uint8Array(request.length);
    return measure(request, () => request.operations, async (count) => {
      for (let sent = 0; sent < count; sent += 1) {
        (await signal.groupEncrypt(address, GROUP, stores.senderKeys, plaintext)).serialize();
      }
    });
  },

  async groupDecrypt(request) {
    const { address, stores, distribution } = await makeWriter();
    const reader = makeDevice('reader');
    const { senderKeys } = reader.stores;
    const message = signal.SenderKeyDistributionMessage.deserialize(distribution);
    await signal.processSenderKeyDistributionMessage(address, message, senderKeys);
    const plaintext = new Uint8Array(request.length);
    const write = async () =>
      (await signal.groupEncrypt(address, GROUP, stores.senderKeys, plaintext)).serialize();
    return measure(request, () => many(request.operations, write), async (messages) => {
      for (const each of messages) await signal.groupDecrypt(address, senderKeys, each);
    });
  },

  /** Bytes of a session's record after so many messages, one after the other. */
  async stored({ messages, length }) {
    const { alice, bob } = await converse();
    for (let turn = 0; turn < messages; turn += 1) {
      const [from, to] = turn % 2 === 0 ? [alice, bob] : [bob, alice];
      await decrypt(to, from.address, await encrypt(from, to.address, new Uint8Array(length)));
    }
    return (await alice.stores.sessions.getSession(bob.address)).serialize().length;
  },
};

async function makeWriter() {
  const writer = makeDevice('writer');
  const { senderKeys } = writer.stores;
  const made = await signal.SenderKeyDistributionMessage.create(writer.address, GROUP, senderKeys);
  return { ...writer, distribution: made.serialize() };
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    const request = JSON.parse(line);
    reply = { ok: await operations[request.op](request) };
  } catch (error) {
    reply = { error: String(error?.name), code: Number(error?.code ?? -1), message: String(error?.message) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
