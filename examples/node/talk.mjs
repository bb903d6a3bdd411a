// SPDX-License-Identifier: MIT OR Apache-2.0
// Speaks Signal's protocol with whoever is at the other end, through the package koffi: reads a
// bundle in hexadecimal digits, writes a message that starts a session, reads the answer, and writes
// what that says. So on with each further bundle. Messages are a kind and hexadecimal digits.
//
// node talk.mjs libe2ee.so.0

import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";

import koffi from "koffi";

const ABI_VERSION = 0;
const OK = 0;
const BUFFER_TOO_SMALL = 1000;
const MAX_WRITES = 3;

const library = koffi.load(process.argv[2]);
koffi.struct("e2ee_signal_address", { name: "const char *", name_len: "size_t", device: "uint32_t" });
const Record = koffi.struct("e2ee_record", {
  name: "const char *",
  base_revision: "uint64_t",
  revision: "uint64_t",
  sealed: "void *",
  sealed_len: "size_t",
});

const abiVersion = library.func("uint32_t e2ee_abi_version()");
const statusName = library.func("const char *e2ee_status_name(int32_t status)");
const free = library.func("int32_t e2ee_free(void *handle)");
const newKey = library.func(
  "int32_t e2ee_state_key_new(const uint8_t *key, size_t key_len, _Out_ void **state_key)",
);
const generate = library.func(
  "int32_t e2ee_signal_device_generate(const e2ee_signal_address *address, _Out_ void **device)",
);
const initiate = library.func(
  "int32_t e2ee_signal_session_initiate(void *key, void *device, const e2ee_signal_address *peer, " +
    "const uint8_t *bundle, size_t bundle_len, _Out_ void **session)",
);
const encrypt = library.func(
  "int32_t e2ee_signal_session_encrypt(void *session, const uint8_t *plaintext, " +
    "size_t plaintext_len, _Out_ void **step)",
);
const decrypt = library.func(
  "int32_t e2ee_signal_session_decrypt(void *session, uint8_t kind, const uint8_t *message, " +
    "size_t message_len, _Out_ void **step)",
);
const stepKind = library.func("int32_t e2ee_step_kind(void *step, _Out_ uint8_t *kind)");
const stepWrites = library.func(
  "int32_t e2ee_step_writes(void *step, void *writes, size_t capacity, _Out_ size_t *count)",
);
const stepRelease = library.func(
  "int32_t e2ee_step_release(void *step, void *out, size_t capacity, _Out_ size_t *len)",
);

function check(status) {
  if (status !== OK) throw new Error(statusName(status));
}

/** What a call makes, whose last argument is where it goes. */
function made(call, ...given) {
  const place = [null];
  check(call(...given, place));
  return place[0];
}

function address(name) {
  return { name, name_len: Buffer.byteLength(name), device: 1 };
}

/**
 * Does what must be durable before the result of a step may be used, and gives that. `saved` is what
 * one device has saved; a real program keeps it in a database, where all writes of a step are one
 * transaction.
 */
function save(saved, step) {
  const writes = Buffer.alloc(MAX_WRITES * koffi.sizeof(Record));
  const count = [0];
  check(stepWrites(step, writes, MAX_WRITES, count));
  for (const write of koffi.decode(writes, koffi.array(Record, Number(count[0])))) {
    if ((saved.get(write.name)?.revision ?? 0) !== write.base_revision) {
      throw new Error("another process wrote");
    }
    const sealed = koffi.decode(write.sealed, koffi.array("uint8_t", Number(write.sealed_len)));
    saved.set(write.name, { revision: write.revision, sealed: Buffer.from(sealed) });
  }
  const length = [0];
  const status = stepRelease(step, null, 0, length); // a null buffer asks for the length
  if (status !== BUFFER_TOO_SMALL) check(status);
  const result = Buffer.alloc(Math.max(1, Number(length[0])));
  check(stepRelease(step, result, Number(length[0]), length));
  free(step);
  return result.subarray(0, Number(length[0]));
}

/** Has one conversation. */
async function talk(key, device, bundle, lines) {
  const saved = new Map();
  const session = made(initiate, key, device, address("python"), bundle, bundle.length);
  const text = Buffer.from("Hello from Node.");
  let step = made(encrypt, session, text, text.length);
  const kind = made(stepKind, step);
  console.log(`${kind} ${save(saved, step).toString("hex")}`);
  const [theirs, digits] = (await lines.next()).value.split(" ");
  const answer = Buffer.from(digits, "hex");
  step = made(decrypt, session, Number(theirs), answer, answer.length);
  console.log(save(saved, step).toString());
  free(session);
}

if (abiVersion() !== ABI_VERSION) throw new Error("another library than this program knows");
const secret = randomBytes(32);
const key = made(newKey, secret, secret.length);
const device = made(generate, address("node"));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
for (let line = await lines.next(); !line.done; line = await lines.next()) {
  await talk(key, device, Buffer.from(line.value, "hex"), lines);
}
free(device);
free(key);
