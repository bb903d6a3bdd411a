/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The core of e2ee for every language that can call C: end-to-end encryption without a store. What
 * a call changes comes back as a step, which says what to save; only then its result may leave.
 *
 * This file has what all protocols share; what one protocol has is in e2ee_signal.h,
 * e2ee_signal_sealed.h, e2ee_signal_services.h and e2ee_olm.h, which it includes. Names, results and
 * errors are those of e2ee.signal and e2ee.olm in Python.
 *
 * Status. Every function that can fail returns an e2ee_status. Anything but E2EE_OK has changed
 * nothing, neither an object nor what an output points to, except that a length is set with
 * E2EE_BUFFER_TOO_SMALL. What goes back to a sender must not depend on it.
 *
 * Pointers. A pointer must lead to memory of the type and length that is said, or be null: null is
 * E2EE_INVALID_ARGUMENT where nothing else is said, as are misaligned pointers and lengths that no
 * memory has (above PTRDIFF_MAX). Of inputs with a length, null is right for length 0. Inputs are
 * read during the call only, and no output may overlap one. Texts are UTF-8.
 *
 * Buffers. What a function gives in bytes, it writes to `out`, which has room for `capacity`, and
 * their number to `*len`. If `out` is null or too short, the status is E2EE_BUFFER_TOO_SMALL, `*len`
 * says how much is needed, and nothing else has happened: no ratchet has moved, the result waits. A
 * null `out` always asks for the length, even if that is 0.
 *
 * Handles. A handle is made by the function that gives it, and is freed by e2ee_free. A handle of
 * another kind is E2EE_INVALID_ARGUMENT; one that was freed, or a pointer that never was a handle,
 * is an error that nobody can find for you. Objects belong to the process that made them: after a
 * fork the child gets E2EE_STALE_SESSION, except of state keys and of what never changes, and loads
 * what was saved.
 *
 * Threads. Each handle has a lock inside, and may be used by any thread at any time, also by many at
 * once; a call waits for those that use the same object. "Threads: any" says just that. Only
 * e2ee_free needs that no other call uses the same handle. The library starts no thread, keeps
 * nothing of the thread that calls, and calls nothing back.
 *
 * Panics. A fault of the library never leaves it: the call gives E2EE_POISONED, and so does every
 * later one with the object that was being changed. Free it, and load what was saved.
 */

#ifndef E2EE_H
#define E2EE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header. It moves when something that was there becomes different. */
#define E2EE_ABI_VERSION 0

/* How a call ended. Below 1000 each is a class of e2ee.errors in Python. */
typedef int32_t e2ee_status;

enum {
    E2EE_OK = 0,
    /* Something was refused for another reason than those below. */
    E2EE_ERROR = 1,
    /* A pointer, a name, a number or a size is out of its range: correct the call. */
    E2EE_INVALID_ARGUMENT = 2,
    /* The bytes are not of this protocol: drop them. */
    E2EE_MALFORMED_MESSAGE = 3,
    /* The bytes are of another version of the protocol: ask for an update. */
    E2EE_UNSUPPORTED_VERSION = 4,
    /* A key cannot be used: drop what brought it. */
    E2EE_INVALID_KEY = 5,
    /* A signature does not verify: fetch what was signed again. */
    E2EE_BAD_SIGNATURE = 6,
    /* The peer's identity key changed: compare safety numbers. */
    E2EE_UNTRUSTED_IDENTITY = 7,
    /* A sender's certificate is not valid. */
    E2EE_INVALID_CERTIFICATE = 8,
    /* The message does not open, for another reason than those below. */
    E2EE_DECRYPTION = 9,
    /* The message was not made by this peer for us, or was altered: drop it. */
    E2EE_AUTHENTICATION = 10,
    /* The message was opened before: drop it. */
    E2EE_DUPLICATE_MESSAGE = 11,
    /* A sealed message was sent by this device itself: drop it. */
    E2EE_SELF_SEND = 12,
    /* More messages are missing before this one than any honest loss explains: drop it. */
    E2EE_MESSAGE_TOO_FAR_AHEAD = 13,
    /* The message is older than what was shared with us: ask for a key from further back. */
    E2EE_UNKNOWN_MESSAGE_INDEX = 14,
    /* There is no usable session with this peer: start one with a fresh bundle. */
    E2EE_NO_SESSION = 15,
    /* A first message names a prekey that is not held: the sender needs a new bundle. */
    E2EE_UNKNOWN_PRE_KEY = 16,
    /* No group of this id is known here. */
    E2EE_NO_GROUP = 17,
    /* The sender gave us no key for this group message: ask for it. */
    E2EE_NO_SENDER_KEY = 18,
    /* A member does not have our key yet. */
    E2EE_INVITATIONS_PENDING = 19,
    /* A counter of the session is used up: start another one. */
    E2EE_SESSION_EXHAUSTED = 20,
    /* The system's random source failed, and nothing was encrypted: do not go on. */
    E2EE_RANDOMNESS = 21,
    /* The peer asked too often to send messages again. */
    E2EE_REPAIR_LIMIT = 22,
    /* The safety numbers differ: trust no message of this session. */
    E2EE_SAFETY_NUMBER_MISMATCH = 23,
    /* A scanned safety number is of another version, which says nothing. */
    E2EE_SAFETY_NUMBER_VERSION = 24,
    /* Errors of stores, of which records alone can bring about the damage. */
    E2EE_STORE = 25,
    E2EE_STORE_KEY = 26,
    E2EE_STORE_CONFLICT = 27,
    /* A record is damaged, missing, under another key, or not the one of this state. */
    E2EE_STORE_CORRUPTION = 28,
    E2EE_STORE_ROLLBACK = 29,
    E2EE_STORE_ANCHOR = 30,
    E2EE_STORE_EXISTS = 31,
    E2EE_STORE_MISSING = 32,
    E2EE_STORE_FORMAT = 33,
    E2EE_STORE_BACKUP = 34,
    E2EE_STORE_BUSY = 35,
    E2EE_STORE_UNAVAILABLE = 36,
    E2EE_STORE_OUTCOME_UNKNOWN = 37,
    E2EE_TRANSACTION_OPEN = 38,
    /* A step is open, was used or was given up, or the process was forked: release the step, or load
     * what was saved. */
    E2EE_STALE_SESSION = 39,
    /* A message is under no key of its secret chat, or came before: drop it. */
    E2EE_IGNORED_MESSAGE = 40,
    /* The other end of a secret chat broke the protocol: close the chat. */
    E2EE_FATAL_CHAT = 41,
    /* A buffer has no room for the output: its length says how much is needed. */
    E2EE_BUFFER_TOO_SMALL = 1000,
    /* The library has a fault, which was found in this call or an earlier one: load what was saved. */
    E2EE_POISONED = 1001
};

/* Seals the states of devices and sessions. */
typedef struct e2ee_state_key e2ee_state_key;
/* What must be saved before a result may be used. */
typedef struct e2ee_step e2ee_step;

/* A record, as a step writes it and as it is loaded. Its name is unique within what it belongs to. */
typedef struct e2ee_record {
    /* Ends with a zero byte. */
    const char *name;
    /* The revision that must still be found where it is saved, 0: no record. Loading ignores it. */
    uint64_t base_revision;
    /* The revision to save it with. */
    uint64_t revision;
    /* What to save; null deletes the record, which no step of this version does. */
    const uint8_t *sealed;
    size_t sealed_len;
} e2ee_record;

/* One of many messages; `kind` is as the function that opens them says. */
typedef struct e2ee_message {
    const uint8_t *bytes;
    size_t len;
    uint8_t kind;
} e2ee_message;

/* As many records as any step writes. */
#define E2EE_MAX_WRITES 3

/* The E2EE_ABI_VERSION of the library that is loaded; compare it. Threads: any. */
uint32_t e2ee_abi_version(void);

/* The version of the library, a text that lives for ever. Threads: any. */
const char *e2ee_version(void);

/* The name of a status in Python ("AuthenticationError"), or of C's own, or "unknown"; a text that
 * lives for ever. Threads: any. */
const char *e2ee_status_name(e2ee_status status);

/* Frees a handle of any kind, and wipes what it held; null is right. A step that was neither
 * released nor abandoned is abandoned. A session lives on in its open steps.
 * Threads: none else may use this handle, now or later. */
e2ee_status e2ee_free(void *handle);

/* A state key of 32 uniformly random bytes (another length: E2EE_INVALID_ARGUMENT), which are
 * copied and cannot be read back. What it has sealed, only the same key opens. Threads: any. */
e2ee_status e2ee_state_key_new(const uint8_t *key, size_t key_len, e2ee_state_key **state_key);

/*
 * Steps:
 *
 *   open ---- all writes saved ----> e2ee_step_release: the result, once
 *     \------ saving failed -------> e2ee_step_abandon: the object is stale, load it again
 *
 * Save all writes of a step in one transaction that is durable when it ends, each only if the
 * record's revision is still `base_revision`. Whoever releases before that, or loads one state
 * twice, uses message keys twice. While a step is open its object gives no other one
 * (E2EE_STALE_SESSION).
 */

/* The records to save, at most E2EE_MAX_WRITES, and perhaps none: `*count` of them, with the rules of
 * buffers. What they point to belongs to the step and stays as it is until the step is freed.
 * Threads: any, without waiting. */
e2ee_status e2ee_step_writes(const e2ee_step *step, e2ee_record *writes, size_t capacity,
                             size_t *count);

/* The kind of the message that was encrypted, which travels beside it. E2EE_INVALID_ARGUMENT if the
 * step is of something else. Threads: any, without waiting. */
e2ee_status e2ee_step_kind(const e2ee_step *step, uint8_t *kind);

/* The index of a message of a Megolm session that was opened. E2EE_INVALID_ARGUMENT if the step is
 * of something else. Threads: any, without waiting. */
e2ee_status e2ee_step_message_index(const e2ee_step *step, uint32_t *index);

/* The same for a step of many messages, by their places (they begin with 0). E2EE_INVALID_ARGUMENT if
 * there is no such place, the message there was refused, or the step is of something else.
 * Threads: any, without waiting. */
e2ee_status e2ee_step_message_index_at(const e2ee_step *step, size_t place, uint32_t *index);

/* Ends the step after its writes are durable, and gives its result, once: the message, or the
 * plaintext. E2EE_STALE_SESSION the second time, and after e2ee_step_abandon; E2EE_INVALID_ARGUMENT
 * if the step has many results. The step must still be freed. Threads: any. */
e2ee_status e2ee_step_release(e2ee_step *step, uint8_t *out, size_t capacity, size_t *len);

/* The same for a step of many messages: the first call ends the step, and each result is given once,
 * in any order. `*outcome` is E2EE_OK, or why this message was refused, as if it had come alone; then
 * the result has no bytes. E2EE_INVALID_ARGUMENT if there is no such place (they begin with 0), or
 * the step has one result. Threads: any. */
e2ee_status e2ee_step_release_at(e2ee_step *step, size_t place, e2ee_status *outcome, uint8_t *out,
                                 size_t capacity, size_t *len);

/* Gives the step up because its writes could not be saved: its object is stale (a sealed device or
 * account is not). E2EE_STALE_SESSION if it was released or abandoned. Threads: any. */
e2ee_status e2ee_step_abandon(e2ee_step *step);

#ifdef __cplusplus
}
#endif

#include "e2ee_olm.h"
#include "e2ee_signal.h"

#endif
