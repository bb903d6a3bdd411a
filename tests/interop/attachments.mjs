// SPDX-License-Identifier: MIT OR Apache-2.0
// Operations with the incremental MAC of attachments.

import { toBytes, toText } from './text.mjs';

export function attachmentOperations({ incrementalMac }) {
  const { DigestingPassThrough, ValidatingPassThrough } = incrementalMac;
  const sized = (size) => incrementalMac.everyNthByte(size);

  /** Lets all of `bytes` through a stream, and gives what came out. */
  function through(stream, bytes) {
    return new Promise((resolve, reject) => {
      const passed = [];
      stream.on('data', (chunk) => passed.push(chunk));
      stream.on('end', () => resolve(Buffer.concat(passed)));
      stream.on('error', reject);
      stream.end(bytes);
    });
  }

  async function incremental({ key, chunk, blob }) {
    const stream = new DigestingPassThrough(toBytes(key), sized(chunk));
    await through(stream, toBytes(blob));
    return toText(stream.getFinalDigest());
  }

  /** Gives how many bytes were let through as valid. */
  async function checkIncremental({ key, chunk, blob, digest }) {
    const stream = new ValidatingPassThrough(toBytes(key), sized(chunk), toBytes(digest));
    return (await through(stream, toBytes(blob))).length;
  }

  const chunkSize = ({ size }) =>
    incrementalMac.chunkSizeInBytes(incrementalMac.inferChunkSize(size));

  return { incremental, checkIncremental, chunkSize };
}
