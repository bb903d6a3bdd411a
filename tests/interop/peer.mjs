// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs clients of the reference implementation for the tests beside it: JSON lines in, JSON lines out.
//
// A test tool, not part of the wheel or the source distribution. It is written from the public names
// of `@signalapp/libsignal-client`, a package under the AGPL that it loads at run time as a black box
// from the folder that it is given, and that is neither linked nor shipped with this project.
//
// A request is {"op": name, ...}; its reply, in the order of the requests, is {"ok": value} or
// {"error": name, "code": number, "message": text}. Bytes are base64.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

import { accountOperations } from './accounts.mjs';
import { attachmentOperations } from './attachments.mjs';
import { groupOperations } from './groups.mjs';
import { pairwiseOperations } from './pairwise.mjs';
import { repairOperations } from './repair.mjs';
import { sealedOperations } from './sealed.mjs';

const PACKAGE = '@signalapp/libsignal-client';

async function load(folder) {
  const require = createRequire(join(folder, 'none.js'));
  const open = (name) => import(pathToFileURL(require.resolve(name)).href);
  return {
    signal: await open(PACKAGE),
    accountKeys: await open(`${PACKAGE}/dist/AccountKeys.js`),
    incrementalMac: await open(`${PACKAGE}/dist/incremental_mac.js`),
    version: require(`${PACKAGE}/package.json`).version,
  };
}

/** The clients by the names that the driver gives them. */
function makeClients() {
  const clients = new Map();
  return {
    add: (name, client) => void clients.set(name, client),
    drop: (name) => void clients.delete(name),
    get: (name) => {
      const client = clients.get(name);
      if (client === undefined) throw new Error(`no client ${name}`);
      return client;
    },
  };
}

function describe(error) {
  return {
    error: String(error?.name ?? 'Error'),
    code: Number.isInteger(error?.code) ? error.code : -1,
    message: String(error?.message ?? error),
  };
}

async function serve(operations) {
  for await (const line of createInterface({ input: process.stdin })) {
    let reply;
    try {
      const request = JSON.parse(line);
      const operation = operations[request.op];
      if (operation === undefined) throw new Error(`no operation ${request.op}`);
      reply = { ok: (await operation(request)) ?? null };
    } catch (error) {
      reply = describe(error);
    }
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}

const library = await load(process.argv[2]);
const clients = makeClients();
await serve({
  versions: () => ({ peer: library.version, node: process.versions.node }),
  ...pairwiseOperations(library, clients, describe),
  ...groupOperations(library, clients, describe),
  ...sealedOperations(library, clients),
  ...repairOperations(library, clients),
  ...attachmentOperations(library),
  ...accountOperations(library, clients),
});
