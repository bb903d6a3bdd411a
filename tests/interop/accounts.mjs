// SPDX-License-Identifier: MIT OR Apache-2.0
// Operations around an account: fingerprints, HPKE, usernames, keys from the entropy pool.

import { toBytes, toText } from './text.mjs';

const ITERATIONS = 5200;

export function accountOperations({ signal, accountKeys }, clients) {
  const publicKey = (text) => signal.PublicKey.deserialize(toBytes(text));

  function makeFingerprint({ version, ours, theirs }) {
    return signal.Fingerprint.new(
      ITERATIONS,
      version,
      toBytes(ours[0]),
      publicKey(ours[1]),
      toBytes(theirs[0]),
      publicKey(theirs[1]),
    );
  }

  function fingerprint(request) {
    const made = makeFingerprint(request);
    return {
      digits: made.displayableFingerprint().toString(),
      scannable: toText(made.scannableFingerprint().toBuffer()),
    };
  }

  function compareFingerprint(request) {
    const scanned = signal.ScannableFingerprint._fromBuffer(toBytes(request.scanned));
    return makeFingerprint(request).scannableFingerprint().compare(scanned);
  }

  const seal = ({ key, info, data, plaintext }) =>
    toText(publicKey(key).seal(toBytes(plaintext), info, toBytes(data)));

  const unseal = ({ client, info, data, ciphertext }) =>
    toText(
      clients.get(client).identity.privateKey.open(toBytes(ciphertext), info, toBytes(data)),
    );

  const usernameHash = ({ username }) => toText(signal.usernames.hash(username));

  function usernameLink({ username }) {
    const { entropy, encryptedUsername } = signal.usernames.createUsernameLink(username);
    return { entropy: toText(entropy), encrypted: toText(encryptedUsername) };
  }

  const openUsernameLink = ({ entropy, encrypted }) =>
    signal.usernames.decryptUsernameLink({
      entropy: toBytes(entropy),
      encryptedUsername: toBytes(encrypted),
    });

  const newPool = () => accountKeys.AccountEntropyPool.generate();

  /** The keys of a pool, by the names of signal.md §14.1. */
  function poolKeys({ pool, aci, media }) {
    const svr = new accountKeys.SvrKey(accountKeys.AccountEntropyPool.deriveSvrKey(pool));
    const backup = accountKeys.AccountEntropyPool.deriveBackupKey(pool);
    const account = signal.Aci.fromUuid(aci);
    const mediaId = backup.deriveMediaId(media);
    const keys = {
      svr: svr.serialize(),
      registrationLock: svr.deriveRegistrationLock(),
      registrationRecovery: svr.deriveRegistrationRecoveryPassword(),
      storage: svr.deriveStorageServiceKey(),
      logging: svr.deriveLoggingKey(),
      backup: backup.serialize(),
      backupId: backup.deriveBackupId(account),
      backupEc: backup.deriveEcKey(account).getPublicKey().serialize(),
      localMetadata: backup.deriveLocalBackupMetadataKey(),
      mediaId,
      mediaKey: backup.deriveMediaEncryptionKey(mediaId),
      thumbnailKey: backup.deriveThumbnailTransitEncryptionKey(mediaId),
    };
    return Object.fromEntries(
      Object.entries(keys).map(([name, key]) => [name, toText(key)]),
    );
  }

  function pinHash({ pin, salt }) {
    const hash = accountKeys.PinHash.fromSalt(toBytes(pin), toBytes(salt));
    return { encryption: toText(hash.encryptionKey), access: toText(hash.accessKey) };
  }

  return {
    fingerprint,
    compareFingerprint,
    hpkeSeal: seal,
    hpkeOpen: unseal,
    usernameHash,
    usernameLink,
    openUsernameLink,
    newPool,
    poolKeys,
    pinHash,
  };
}
