// SPDX-License-Identifier: MIT OR Apache-2.0
// Operations of a client with one other device: bundles, sessions, messages, fingerprints.

import { makeStores } from './stores.mjs';
import { each, toBytes, toText } from './text.mjs';

const PREKEY = 3;

export function pairwiseOperations({ signal }, clients, describe) {
  const addressOf = ([name, device]) => signal.ProtocolAddress.new(name, device);

  /** A client with a new identity and empty stores. */
  function create({ client, address, registration }) {
    const identity = signal.IdentityKeyPair.generate();
    clients.add(client, {
      identity,
      registration,
      address: addressOf(address),
      stores: makeStores(signal, identity, registration),
      nextPrekey: 1,
    });
    return toText(identity.publicKey.serialize());
  }

  /** A bundle with keys of its own; a reusable one has no one-time key. */
  async function bundle({ client, reusable }) {
    const { identity, registration, address, stores, ...rest } = clients.get(client);
    const id = rest.nextPrekey;
    clients.get(client).nextPrekey += 1;
    const signed = signal.PrivateKey.generate();
    const kyber = signal.KEMKeyPair.generate();
    const sign = (key) => identity.privateKey.sign(key.serialize());
    const signatures = [sign(signed.getPublicKey()), sign(kyber.getPublicKey())];
    const now = Date.now();
    await stores.signed.saveSignedPreKey(
      id,
      signal.SignedPreKeyRecord.new(id, now, signed.getPublicKey(), signed, signatures[0]),
    );
    const record = signal.KyberPreKeyRecord.new(id, now, kyber, signatures[1]);
    await stores.kyber.saveKyberPreKey(id, record, reusable);
    const signedPart = [id, toText(signed.getPublicKey().serialize()), toText(signatures[0])];
    const kyberPart = [id, toText(kyber.getPublicKey().serialize()), toText(signatures[1])];
    return {
      registration,
      device: address.deviceId(),
      identity: toText(identity.publicKey.serialize()),
      oneTime: reusable ? null : await oneTimePrekey(stores, id),
      signed: signedPart,
      kyber: kyberPart,
    };
  }

  async function oneTimePrekey(stores, id) {
    const key = signal.PrivateKey.generate();
    const record = signal.PreKeyRecord.new(id, key.getPublicKey(), key);
    await stores.prekeys.savePreKey(id, record);
    return [id, toText(key.getPublicKey().serialize())];
  }

  async function connect({ client, peer, bundle: fields }) {
    const { address, stores } = clients.get(client);
    const key = (text) => signal.PublicKey.deserialize(toBytes(text));
    const processed = signal.PreKeyBundle.new(
      fields.registration,
      fields.device,
      fields.oneTime === null ? null : fields.oneTime[0],
      fields.oneTime === null ? null : key(fields.oneTime[1]),
      fields.signed[0],
      key(fields.signed[1]),
      toBytes(fields.signed[2]),
      key(fields.identity),
      fields.kyber[0],
      signal.KEMPublicKey.deserialize(toBytes(fields.kyber[1])),
      toBytes(fields.kyber[2]),
    );
    const { sessions, identities } = stores;
    await signal.processPreKeyBundle(processed, addressOf(peer), address, sessions, identities);
  }

  async function encrypt({ client, peer, plaintexts }) {
    const { address, stores } = clients.get(client);
    const to = addressOf(peer);
    const messages = [];
    for (const plaintext of plaintexts) {
      const message = await signal.signalEncrypt(
        toBytes(plaintext),
        to,
        address,
        stores.sessions,
        stores.identities,
      );
      messages.push([message.type(), toText(message.serialize())]);
    }
    return messages;
  }

  /** Opens messages one after the other; each gives its plaintext or its error. */
  function decrypt({ client, peer, messages }) {
    const from = addressOf(peer);
    return each(messages, describe, async ([kind, body]) =>
      toText(await open(signal, clients.get(client), from, kind, toBytes(body))),
    );
  }

  async function archive({ client, peer }) {
    const { stores } = clients.get(client);
    const record = await stores.sessions.getSession(addressOf(peer));
    record.archiveCurrentState();
    await stores.sessions.saveSession(addressOf(peer), record);
  }

  return {
    create,
    bundle,
    connect,
    encrypt,
    decrypt,
    archive,
    drop: ({ client }) => clients.drop(client),
    trust: ({ client, peer }) => clients.get(client).stores.identities.forget(addressOf(peer)),
  };
}

/** Opens a message of one device by its kind. */
export function open(signal, { address, stores }, from, kind, body) {
  const { sessions, identities, prekeys, signed, kyber } = stores;
  if (kind === PREKEY) {
    const message = signal.PreKeySignalMessage.deserialize(body);
    return signal.signalDecryptPreKey(
      message,
      from,
      address,
      sessions,
      identities,
      prekeys,
      signed,
      kyber,
    );
  }
  const message = signal.SignalMessage.deserialize(body);
  return signal.signalDecrypt(message, from, address, sessions, identities);
}
