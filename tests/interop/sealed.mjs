// SPDX-License-Identifier: MIT OR Apache-2.0
// Operations with sealed sender: certificates, both versions, opening.

import { open } from './pairwise.mjs';
import { toBytes, toText } from './text.mjs';

const [RATCHET, PREKEY, GROUP] = [2, 3, 7];

export function sealedOperations({ signal }, clients) {
  const authorities = new Map();
  const addressOf = ([name, device]) => signal.ProtocolAddress.new(name, device);
  const publicKey = (text) => signal.PublicKey.deserialize(toBytes(text));

  /** A trust root with one server certificate; gives the root's public key. */
  function authority({ name, id }) {
    const [root, server] = [signal.PrivateKey.generate(), signal.PrivateKey.generate()];
    const certificate = signal.ServerCertificate.new(id, server.getPublicKey(), root);
    authorities.set(name, { server, certificate });
    return toText(root.getPublicKey().serialize());
  }

  function issue({ name, address, identity, expires }) {
    const { server, certificate } = authorities.get(name);
    const [uuid, device] = address;
    const args = [uuid, null, device, publicKey(identity), expires, certificate, server];
    return toText(signal.SenderCertificate.new(...args).serialize());
  }

  /** What is sealed: a message to one device, or to a group, or a repair message. */
  async function content(client, request) {
    const { address, stores } = client;
    let message;
    if (request.group !== undefined) {
      const plaintext = toBytes(request.plaintext);
      message = await signal.groupEncrypt(address, request.group, stores.senderKeys, plaintext);
    } else if (request.repair !== undefined) {
      const error = signal.DecryptionErrorMessage.deserialize(toBytes(request.repair));
      message = signal.PlaintextContent.from(error).asCiphertextMessage();
    } else {
      const { sessions, identities } = stores;
      const to = addressOf(request.peers[0]);
      const plaintext = toBytes(request.plaintext);
      message = await signal.signalEncrypt(plaintext, to, address, sessions, identities);
    }
    const certificate = signal.SenderCertificate.deserialize(toBytes(request.certificate));
    return signal.UnidentifiedSenderMessageContent.new(message, certificate, request.hint, null);
  }

  async function seal(request) {
    const client = clients.get(request.client);
    const inside = await content(client, request);
    const to = addressOf(request.peers[0]);
    return toText(await signal.sealedSenderEncrypt(inside, to, client.stores.identities));
  }

  /** The sent form of version 2, to any number of devices. */
  async function sealForMany(request) {
    const client = clients.get(request.client);
    const { identities, sessions } = client.stores;
    const sealed = await signal.sealedSenderMultiRecipientEncrypt({
      content: await content(client, request),
      recipients: request.peers.map(addressOf),
      excludedRecipients: request.excluded.map((name) =>
        signal.ServiceId.parseFromServiceIdString(name),
      ),
      identityStore: identities,
      sessionStore: sessions,
    });
    return toText(sealed);
  }

  function receivedForm({ sent }) {
    return toText(signal.sealedSenderMultiRecipientMessageForSingleRecipient(toBytes(sent)));
  }

  /** Opens what is sealed, checks its certificate, and opens the message inside. */
  async function openSealed({ client: name, sealed, roots, now }) {
    const client = clients.get(name);
    const { stores } = client;
    const inside = await signal.sealedSenderDecryptToUsmc(toBytes(sealed), stores.identities);
    const certificate = inside.senderCertificate();
    if (!certificate.validateWithTrustRoots(roots.map(publicKey), now)) {
      throw new Error('the certificate is not valid');
    }
    const sender = [certificate.senderUuid(), certificate.senderDeviceId()];
    const kind = inside.msgType();
    const from = addressOf(sender);
    let plaintext = inside.contents();
    if (kind === GROUP) {
      plaintext = await signal.groupDecrypt(from, stores.senderKeys, plaintext);
    } else if (kind === RATCHET || kind === PREKEY) {
      plaintext = await open(signal, client, from, kind, plaintext);
    }
    return { sender, kind, hint: inside.contentHint(), plaintext: toText(plaintext) };
  }

  return { authority, issue, seal, sealForMany, receivedForm, openSealed };
}
