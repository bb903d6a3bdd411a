// SPDX-License-Identifier: MIT OR Apache-2.0
// Bytes in JSON: base64.

export const toText = (bytes) => Buffer.from(bytes).toString('base64');

export const toBytes = (text) => Buffer.from(text, 'base64');

/** What `work` gives for each entry, or what went wrong with it; one after the other. */
export async function each(entries, describe, work) {
  const results = [];
  for (const entry of entries) {
    try {
      results.push({ ok: await work(entry) });
    } catch (error) {
      results.push(describe(error));
    }
  }
  return results;
}
