// SPDX-License-Identifier: MIT OR Apache-2.0
// Operations around a message that did not open: what asks for it again.

import { toBytes, toText } from './text.mjs';

export function repairOperations({ signal }, clients) {
  const addressOf = ([name, device]) => signal.ProtocolAddress.new(name, device);

  /** What a client answers to a message that it could not open, bare and as it travels. */
  function makeRepair({ kind, body, sent, device }) {
    const bytes = toBytes(body);
    const error = signal.DecryptionErrorMessage.forOriginal(bytes, kind, sent, device);
    const content = signal.PlaintextContent.from(error);
    return { error: toText(error.serialize()), content: toText(content.serialize()) };
  }

  /** What such an answer says, and whether it names the ratchet key that we now send under. */
  async function readRepair({ client, peer, content }) {
    const plain = signal.PlaintextContent.deserialize(toBytes(content));
    const error = signal.DecryptionErrorMessage.extractFromSerializedBody(plain.body());
    const record = await clients.get(client).stores.sessions.getSession(addressOf(peer));
    const key = error.ratchetKey();
    return {
      sent: error.timestamp(),
      device: error.deviceId(),
      current: key !== undefined && key !== null && record !== null
        ? record.currentRatchetKeyMatches(key)
        : false,
    };
  }

  return { makeRepair, readRepair };
}
