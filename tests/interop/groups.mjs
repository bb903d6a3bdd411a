// SPDX-License-Identifier: MIT OR Apache-2.0
// Operations of a client in a group: sender keys.

import { each, toBytes, toText } from './text.mjs';

export function groupOperations({ signal }, clients, describe) {
  const addressOf = ([name, device]) => signal.ProtocolAddress.new(name, device);

  async function distribution({ client, group }) {
    const { address, stores } = clients.get(client);
    const { senderKeys } = stores;
    const made = await signal.SenderKeyDistributionMessage.create(address, group, senderKeys);
    return toText(made.serialize());
  }

  async function join({ client, sender, distribution: encoded }) {
    const message = signal.SenderKeyDistributionMessage.deserialize(toBytes(encoded));
    const { senderKeys } = clients.get(client).stores;
    await signal.processSenderKeyDistributionMessage(addressOf(sender), message, senderKeys);
    return message.distributionId();
  }

  async function encryptGroup({ client, group, plaintexts }) {
    const { address, stores } = clients.get(client);
    const messages = [];
    for (const plaintext of plaintexts) {
      const { senderKeys } = stores;
      const message = await signal.groupEncrypt(address, group, senderKeys, toBytes(plaintext));
      messages.push(toText(message.serialize()));
    }
    return messages;
  }

  function decryptGroup({ client, sender, messages }) {
    const { senderKeys } = clients.get(client).stores;
    const from = addressOf(sender);
    return each(messages, describe, async (message) =>
      toText(await signal.groupDecrypt(from, senderKeys, toBytes(message))),
    );
  }

  /** A new chain from now on: what the client held for the group is forgotten. */
  function rotate({ client, group }) {
    const { address, stores } = clients.get(client);
    stores.senderKeys.forget(address, group);
  }

  return { distribution, join, encryptGroup, decryptGroup, rotate };
}
