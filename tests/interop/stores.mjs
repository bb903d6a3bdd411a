// SPDX-License-Identifier: MIT OR Apache-2.0
// The stores of one client in memory, written for the interfaces that the reference client asks for.

/** The six stores of one client, as subclasses of the reference client's abstract ones. */
export function makeStores(signal, identity, registrationId) {
  return {
    identities: makeIdentities(signal, identity, registrationId),
    sessions: makeSessions(signal),
    senderKeys: makeSenderKeys(signal),
    ...makePrekeys(signal),
  };
}

/** Trust on first use; a later change of a key is refused until `forget` was called. */
function makeIdentities(signal, identity, registrationId) {
  const known = new Map();
  class Identities extends signal.IdentityKeyStore {
    async getIdentityKey() {
      return identity.privateKey;
    }
    async getLocalRegistrationId() {
      return registrationId;
    }
    async saveIdentity(address, key) {
      const before = known.get(address.toString());
      known.set(address.toString(), key);
      const same = before === undefined || before.equals(key);
      return same
        ? signal.IdentityChange.NewOrUnchanged
        : signal.IdentityChange.ReplacedExisting;
    }
    async isTrustedIdentity(address, key) {
      const before = known.get(address.toString());
      return before === undefined || before.equals(key);
    }
    async getIdentity(address) {
      return known.get(address.toString()) ?? null;
    }
    forget(address) {
      known.delete(address.toString());
    }
  }
  return new Identities();
}

/** Sessions are kept encoded, so that what a refused call did to a record does not stay. */
function makeSessions(signal) {
  const records = new Map();
  class Sessions extends signal.SessionStore {
    async saveSession(address, record) {
      records.set(address.toString(), record.serialize());
    }
    async getSession(address) {
      const record = records.get(address.toString());
      return record === undefined ? null : signal.SessionRecord.deserialize(record);
    }
    async getExistingSessions(addresses) {
      return Promise.all(
        addresses.map(async (address) => {
          const record = await this.getSession(address);
          if (record === null) throw new Error(`no session with ${address}`);
          return record;
        }),
      );
    }
  }
  return new Sessions();
}

function makeSenderKeys(signal) {
  const records = new Map();
  const name = (sender, distribution) => `${sender} ${distribution}`;
  class SenderKeys extends signal.SenderKeyStore {
    async saveSenderKey(sender, distribution, record) {
      records.set(name(sender, distribution), record.serialize());
    }
    async getSenderKey(sender, distribution) {
      const record = records.get(name(sender, distribution));
      return record === undefined ? null : signal.SenderKeyRecord.deserialize(record);
    }
    forget(sender, distribution) {
      records.delete(name(sender, distribution));
    }
  }
  return new SenderKeys();
}

/** One-time prekeys are destroyed when used; the Kyber key of a reusable bundle stays. */
function makePrekeys(signal) {
  const held = (records, id) => {
    const record = records.get(id);
    if (record === undefined) throw new Error(`no prekey ${id}`);
    return record;
  };
  const oneTime = new Map();
  class Prekeys extends signal.PreKeyStore {
    async savePreKey(id, record) {
      oneTime.set(id, record);
    }
    async getPreKey(id) {
      return held(oneTime, id);
    }
    async removePreKey(id) {
      oneTime.delete(id);
    }
  }
  const signed = new Map();
  class SignedPrekeys extends signal.SignedPreKeyStore {
    async saveSignedPreKey(id, record) {
      signed.set(id, record);
    }
    async getSignedPreKey(id) {
      return held(signed, id);
    }
  }
  const kyber = new Map();
  const used = new Set();
  class KyberPrekeys extends signal.KyberPreKeyStore {
    async saveKyberPreKey(id, record, reusable) {
      kyber.set(id, { record, reusable });
    }
    async getKyberPreKey(id) {
      return held(kyber, id).record;
    }
    async markKyberPreKeyUsed(id, signedId, baseKey) {
      if (!held(kyber, id).reusable) {
        kyber.delete(id);
        return;
      }
      const use = `${id} ${signedId} ${Buffer.from(baseKey.serialize()).toString('hex')}`;
      if (used.has(use)) throw new Error('the Kyber prekey was used with this base key');
      used.add(use);
    }
  }
  return { prekeys: new Prekeys(), signed: new SignedPrekeys(), kyber: new KyberPrekeys() };
}
