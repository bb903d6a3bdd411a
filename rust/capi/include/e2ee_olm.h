/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What Matrix clients speak: Olm for two devices, Megolm for rooms. The kind of a message of Olm is
 * its type: 0 a prekey message, 1 a normal one. Keys, ids and messages are bytes here; Matrix writes
 * them as base64 without padding. Include e2ee.h, which has the rules.
 */

#ifndef E2EE_OLM_H
#define E2EE_OLM_H

#include "e2ee.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A public key, Curve25519 or Ed25519, and the id of a session. */
#define E2EE_OLM_KEY_LEN 32
/* A session key of Megolm, for new members. */
#define E2EE_OLM_SESSION_KEY_LEN 229
/* An export of a session of Megolm. */
#define E2EE_OLM_EXPORT_LEN 165

/* One device: its identity keys, and the keys that others start sessions with. Nothing in Olm says
 * whose keys these are: publish them under e2ee_olm_account_sign, and take those of others only
 * under their signature. Its one record is named "olm account". */
typedef struct e2ee_olm_account e2ee_olm_account;
/* One session with one device of a peer. Its records are "head", "chains" and "skipped". */
typedef struct e2ee_olm_session e2ee_olm_session;
/* Our own ratchet for a room. Its one record is named "sending". */
typedef struct e2ee_olm_outbound_group_session e2ee_olm_outbound_group_session;
/* The ratchet of one sender of a room. Its records are "head" and "events". */
typedef struct e2ee_olm_inbound_group_session e2ee_olm_inbound_group_session;
/* Reads and writes the states of libolm or vodozemac under one pickle key. They are for moving, not
 * for keeping: what was read must not be used there any more, and what was written must not be used
 * here, or message keys are used twice. A pickle is text, base64 without padding, and without a zero
 * byte; whoever has its key can read it. */
typedef struct e2ee_olm_pickles e2ee_olm_pickles;

/* A key that others can start a session with, and its number. */
typedef struct e2ee_olm_one_time_key {
    uint64_t id;
    uint8_t public_key[E2EE_OLM_KEY_LEN];
} e2ee_olm_one_time_key;

/* One of many messages of a room, and the id of the event that it came in, or null with length 0. */
typedef struct e2ee_olm_event {
    const uint8_t *message;
    size_t message_len;
    const char *event_id;
    size_t event_id_len;
} e2ee_olm_event;

/* A message of a room that was opened elsewhere: its index, and the id of its event. */
typedef struct e2ee_olm_opened {
    uint32_t index;
    const char *event_id;
    size_t event_id_len;
} e2ee_olm_opened;

/* A device with fresh identity keys, and no one-time key yet. Threads: any. */
e2ee_status e2ee_olm_account_generate(e2ee_olm_account **account);

/* The account of its one record. E2EE_STORE_CORRUPTION for another key, revision or record.
 * Threads: any. */
e2ee_status e2ee_olm_account_load(const e2ee_state_key *key, const e2ee_record *records,
                                  size_t count, e2ee_olm_account **account);

/* What to save of an account; the step's result has no bytes, and need not be released. Do so before
 * keys are published, and in the transaction of each session that was accepted. Threads: any. */
e2ee_status e2ee_olm_account_seal(e2ee_olm_account *account, const e2ee_state_key *key,
                                  e2ee_step **step);

/* The public Curve25519 key, 32 bytes, which agrees in sessions. Threads: any. */
e2ee_status e2ee_olm_account_identity_key(const e2ee_olm_account *account, uint8_t *out,
                                          size_t capacity, size_t *len);

/* The public Ed25519 key, 32 bytes, under which the device signs what it publishes. Threads: any. */
e2ee_status e2ee_olm_account_signing_key(const e2ee_olm_account *account, uint8_t *out,
                                         size_t capacity, size_t *len);

/* The Ed25519 signature of these bytes, 64 bytes (RFC 8032). Threads: any. */
e2ee_status e2ee_olm_account_sign(const e2ee_olm_account *account, const uint8_t *message,
                                  size_t message_len, uint8_t *out, size_t capacity, size_t *len);

/* Makes so many one-time keys; at most 100 are kept, of which the oldest go. E2EE_INVALID_ARGUMENT
 * if more than e2ee_olm_account_max_one_time_keys would wait to be published. Threads: any. */
e2ee_status e2ee_olm_account_generate_one_time_keys(e2ee_olm_account *account, size_t count);

/* The one-time keys that wait to be published: `*count` of them, with the rules of buffers. Save the
 * account before they are given away. Threads: any. */
e2ee_status e2ee_olm_account_one_time_keys(const e2ee_olm_account *account,
                                           e2ee_olm_one_time_key *keys, size_t capacity,
                                           size_t *count);

/* Makes a fallback key; the one before it is kept until the next, or until it is forgotten.
 * Threads: any. */
e2ee_status e2ee_olm_account_generate_fallback_key(e2ee_olm_account *account);

/* The fallback key if it waits to be published, one or none, with the rules of buffers. Save the
 * account before it is given away. Threads: any. */
e2ee_status e2ee_olm_account_fallback_key(const e2ee_olm_account *account,
                                          e2ee_olm_one_time_key *keys, size_t capacity,
                                          size_t *count);

/* Says that the server has all keys that waited; their private halves stay. Threads: any. */
e2ee_status e2ee_olm_account_mark_keys_as_published(e2ee_olm_account *account);

/* Forgets the fallback key before the current one; `*was_there` is false if there is none.
 * Threads: any. */
e2ee_status e2ee_olm_account_forget_fallback_key(e2ee_olm_account *account, bool *was_there);

/* How many one-time keys may wait to be published, and are best kept on the server.
 * Threads: any. */
size_t e2ee_olm_account_max_one_time_keys(void);

/* Starts a session with the owner of these two keys, 32 bytes each, both of which must have come
 * under the device's signature; nothing need be saved before the first message. E2EE_INVALID_KEY if
 * one of them cannot be used. Threads: any. */
e2ee_status e2ee_olm_session_initiate(const e2ee_state_key *key, const e2ee_olm_account *account,
                                      const uint8_t *identity_key, size_t identity_key_len,
                                      const uint8_t *one_time_key, size_t one_time_key_len,
                                      e2ee_olm_session **session);

/* Makes the session that a prekey message (type 0) asks for; the step's result is the plaintext.
 * Seal the account and save it in the same transaction: its one-time key is used up, and a fallback
 * key remembers the latest 1000 sessions. Look first whether a session that is there matches the
 * message. The sender's identity key has 32 bytes, or is null with length 0: then nobody says who it
 * is. E2EE_UNKNOWN_PRE_KEY if the account does not hold the key, E2EE_DUPLICATE_MESSAGE if a session
 * under a fallback key was accepted before, E2EE_AUTHENTICATION if the message names another identity
 * key or does not authenticate, E2EE_INVALID_KEY, E2EE_MALFORMED_MESSAGE, E2EE_UNSUPPORTED_VERSION.
 * Threads: any. */
e2ee_status e2ee_olm_session_accept(const e2ee_state_key *key, e2ee_olm_account *account,
                                    const uint8_t *sender_identity_key,
                                    size_t sender_identity_key_len, const uint8_t *message,
                                    size_t message_len, e2ee_olm_session **session,
                                    e2ee_step **step);

/* The session of its three records, in any order, and its name. E2EE_STORE_CORRUPTION if they are
 * not those of one state. Loading one state twice uses message keys twice. Threads: any. */
e2ee_status e2ee_olm_session_load(const e2ee_state_key *key, const char *name, size_t name_len,
                                  const e2ee_record *records, size_t count,
                                  e2ee_olm_session **session);

/* What names the session and binds its records: its id, 64 hexadecimal digits, without a zero byte.
 * Threads: any. */
e2ee_status e2ee_olm_session_name(const e2ee_olm_session *session, uint8_t *out, size_t capacity,
                                  size_t *len);

/* The id of the session, 32 bytes, the same at both ends. Threads: any. */
e2ee_status e2ee_olm_session_session_id(const e2ee_olm_session *session, uint8_t *out,
                                        size_t capacity, size_t *len);

/* The peer's public identity key, 32 bytes. Threads: any. */
e2ee_status e2ee_olm_session_their_identity_key(const e2ee_olm_session *session, uint8_t *out,
                                                size_t capacity, size_t *len);

/* Whether a message of the peer has opened; before that, what is encrypted is of type 0.
 * Threads: any. */
e2ee_status e2ee_olm_session_has_received(const e2ee_olm_session *session, bool *has_received);

/* Whether a prekey message (type 0) belongs to this session: it names the same three keys.
 * E2EE_MALFORMED_MESSAGE, E2EE_INVALID_KEY or E2EE_UNSUPPORTED_VERSION if it is none.
 * Threads: any. */
e2ee_status e2ee_olm_session_matches(const e2ee_olm_session *session, const uint8_t *message,
                                     size_t message_len, bool *matches);

/* Encrypts; the step's kind is the type, 0 or 1, and its result is the message. E2EE_STALE_SESSION
 * while a step is open; E2EE_SESSION_EXHAUSTED. Threads: any. */
e2ee_status e2ee_olm_session_encrypt(e2ee_olm_session *session, const uint8_t *plaintext,
                                     size_t plaintext_len, e2ee_step **step);

/* Opens a message of type 1 or, of this session, of type 0; the step's result is the plaintext.
 * E2EE_AUTHENTICATION, E2EE_DUPLICATE_MESSAGE, E2EE_MESSAGE_TOO_FAR_AHEAD, E2EE_INVALID_KEY,
 * E2EE_MALFORMED_MESSAGE (another type, too), E2EE_UNSUPPORTED_VERSION; E2EE_STALE_SESSION while a
 * step is open. Threads: any. */
e2ee_status e2ee_olm_session_decrypt(e2ee_olm_session *session, uint8_t kind,
                                     const uint8_t *message, size_t message_len, e2ee_step **step);

/* Opens many messages, each with its type, in their order and as one step, whose results
 * e2ee_step_release_at gives. A message that is refused changes nothing, and does not hold up the
 * others. E2EE_STALE_SESSION while a step is open. Threads: any. */
e2ee_status e2ee_olm_session_decrypt_many(e2ee_olm_session *session, const e2ee_message *messages,
                                          size_t count, e2ee_step **step);

/* What to save of a session that was read from elsewhere; the step's result has no bytes.
 * E2EE_STALE_SESSION while a step is open. Threads: any. */
e2ee_status e2ee_olm_session_save(e2ee_olm_session *session, e2ee_step **step);

/* A fresh ratchet with a fresh signing key; nothing need be saved before its first message.
 * Threads: any. */
e2ee_status e2ee_olm_outbound_group_session_create(const e2ee_state_key *key,
                                                   e2ee_olm_outbound_group_session **session);

/* The session with this id, 32 bytes, of its one record. E2EE_STORE_CORRUPTION for another key,
 * session, revision or record. Loading one state twice uses message keys twice. Threads: any. */
e2ee_status e2ee_olm_outbound_group_session_load(const e2ee_state_key *key,
                                                 const uint8_t *session_id,
                                                 const e2ee_record *records, size_t count,
                                                 e2ee_olm_outbound_group_session **session);

/* The id of the session, 32 bytes: its public signing key. Threads: any. */
e2ee_status e2ee_olm_outbound_group_session_session_id(
    const e2ee_olm_outbound_group_session *session, uint8_t *out, size_t capacity, size_t *len);

/* The index of the next message. Threads: any. */
e2ee_status e2ee_olm_outbound_group_session_message_index(
    const e2ee_olm_outbound_group_session *session, uint32_t *index);

/* The session key for a new member, 229 bytes, signed; send it encrypted with Olm. It opens what is
 * written from now on, and whoever reads it can do so. E2EE_STALE_SESSION while a step is open.
 * Threads: any. */
e2ee_status e2ee_olm_outbound_group_session_session_key(
    const e2ee_olm_outbound_group_session *session, uint8_t *out, size_t capacity, size_t *len);

/* Encrypts to all members; the step's result is the message. E2EE_STALE_SESSION while a step is open;
 * E2EE_SESSION_EXHAUSTED. Threads: any. */
e2ee_status e2ee_olm_outbound_group_session_encrypt(e2ee_olm_outbound_group_session *session,
                                                    const uint8_t *plaintext,
                                                    size_t plaintext_len, e2ee_step **step);

/* What to save of a session that was read from elsewhere; the step's result has no bytes.
 * E2EE_STALE_SESSION while a step is open. Threads: any. */
e2ee_status e2ee_olm_outbound_group_session_save(e2ee_olm_outbound_group_session *session,
                                                 e2ee_step **step);

/* The session of a session key, 229 bytes, that its sender gave us through Olm. The step saves it;
 * its result has no bytes. E2EE_BAD_SIGNATURE if the key is not signed by itself;
 * E2EE_MALFORMED_MESSAGE, E2EE_INVALID_KEY or E2EE_UNSUPPORTED_VERSION if it is none.
 * Threads: any. */
e2ee_status e2ee_olm_inbound_group_session_accept(const e2ee_state_key *key,
                                                  const uint8_t *session_key,
                                                  size_t session_key_len,
                                                  e2ee_olm_inbound_group_session **session,
                                                  e2ee_step **step);

/* The session of an export, 165 bytes: of a backup or a file, or forwarded by somebody. Nothing says
 * that the sender made it. The step and the errors are as of e2ee_olm_inbound_group_session_accept,
 * without a signature. Threads: any. */
e2ee_status e2ee_olm_inbound_group_session_accept_export(const e2ee_state_key *key,
                                                         const uint8_t *export_bytes,
                                                         size_t export_len,
                                                         e2ee_olm_inbound_group_session **session,
                                                         e2ee_step **step);

/* The session with this id, 32 bytes, of its two records, in any order. E2EE_STORE_CORRUPTION if
 * they are not those of one state. Threads: any. */
e2ee_status e2ee_olm_inbound_group_session_load(const e2ee_state_key *key,
                                                const uint8_t *session_id,
                                                const e2ee_record *records, size_t count,
                                                e2ee_olm_inbound_group_session **session);

/* The id of the session, 32 bytes: its sender's public signing key. Threads: any. */
e2ee_status e2ee_olm_inbound_group_session_session_id(
    const e2ee_olm_inbound_group_session *session, uint8_t *out, size_t capacity, size_t *len);

/* The index of the first message that opens. Threads: any. */
e2ee_status e2ee_olm_inbound_group_session_first_known_index(
    const e2ee_olm_inbound_group_session *session, uint32_t *index);

/* Whether the sender's signature was over what we have; it never is over an export. Threads: any. */
e2ee_status e2ee_olm_inbound_group_session_is_signed(const e2ee_olm_inbound_group_session *session,
                                                     bool *is_signed);

/* The export from this index on, 165 bytes, for another device or a backup; it is secret.
 * E2EE_UNKNOWN_MESSAGE_INDEX for one before the first known index. Threads: any. */
e2ee_status e2ee_olm_inbound_group_session_export_at(const e2ee_olm_inbound_group_session *session,
                                                     uint32_t index, uint8_t *out, size_t capacity,
                                                     size_t *len);

/* Takes over what another session key or export of the same session knows; the earlier first index
 * counts. The step's result has no bytes. E2EE_INVALID_KEY if it is of another session or does not
 * lead to what we have, and the errors of accept; E2EE_STALE_SESSION while a step is open.
 * Threads: any. */
e2ee_status e2ee_olm_inbound_group_session_merge(e2ee_olm_inbound_group_session *session,
                                                 const uint8_t *shared, size_t shared_len,
                                                 e2ee_step **step);

/* Opens a message as the event with this id; the step has the message's index, and its result is the
 * plaintext. A message opens again as the same event, and as no other one: E2EE_DUPLICATE_MESSAGE. If
 * the id is null with length 0, nothing is told, and the caller must keep index and event itself. The
 * step often writes nothing. E2EE_UNKNOWN_MESSAGE_INDEX for a message before the first known index,
 * E2EE_AUTHENTICATION, E2EE_MALFORMED_MESSAGE, E2EE_UNSUPPORTED_VERSION, E2EE_SESSION_EXHAUSTED;
 * E2EE_STALE_SESSION while a step is open. Threads: any. */
e2ee_status e2ee_olm_inbound_group_session_decrypt(e2ee_olm_inbound_group_session *session,
                                                   const uint8_t *message, size_t message_len,
                                                   const char *event_id, size_t event_id_len,
                                                   e2ee_step **step);

/* Opens many messages, each as its event, in their order and as one step, whose results
 * e2ee_step_release_at gives and their indices e2ee_step_message_index_at. A message that is refused
 * changes nothing, and does not hold up the others. The step often writes nothing.
 * E2EE_STALE_SESSION while a step is open. Threads: any. */
e2ee_status e2ee_olm_inbound_group_session_decrypt_many(e2ee_olm_inbound_group_session *session,
                                                        const e2ee_olm_event *events, size_t count,
                                                        e2ee_step **step);

/* What to save of a session that was read from elsewhere; the step's result has no bytes.
 * E2EE_STALE_SESSION while a step is open. Threads: any. */
e2ee_status e2ee_olm_inbound_group_session_save(e2ee_olm_inbound_group_session *session,
                                                e2ee_step **step);

/* The pickles of libolm, under a key of any length, none included, which is copied and cannot be read
 * back. Threads: any. */
e2ee_status e2ee_olm_pickles_libolm(const uint8_t *key, size_t key_len, e2ee_olm_pickles **pickles);

/* The pickles of vodozemac, under a key of 32 bytes (another length: E2EE_INVALID_ARGUMENT), which is
 * copied and cannot be read back. Threads: any. */
e2ee_status e2ee_olm_pickles_vodozemac(const uint8_t *key, size_t key_len,
                                       e2ee_olm_pickles **pickles);

/* An account; of more than 100 one-time keys, the newest. Seal it and save that before it is used.
 * E2EE_AUTHENTICATION under another pickle key or if the pickle was altered; E2EE_MALFORMED_MESSAGE,
 * E2EE_INVALID_KEY or E2EE_UNSUPPORTED_VERSION if it is no such pickle. Threads: any. */
e2ee_status e2ee_olm_pickles_read_account(const e2ee_olm_pickles *pickles, const char *pickle,
                                          size_t pickle_len, e2ee_olm_account **account);

/* The pickle of an account, which must not be used here any more. E2EE_INVALID_ARGUMENT if libolm has
 * no room for the number of a one-time key. Threads: any. */
e2ee_status e2ee_olm_pickles_write_account(const e2ee_olm_pickles *pickles,
                                           const e2ee_olm_account *account, uint8_t *out,
                                           size_t capacity, size_t *len);

/* A session between our account and the owner of the other identity key, 32 bytes; a pickle names
 * only the one who started it. Save it with e2ee_olm_session_save, or with its first step.
 * E2EE_INVALID_KEY if neither of these two did, or for another length of the key, and the errors of
 * e2ee_olm_pickles_read_account. Threads: any. */
e2ee_status e2ee_olm_pickles_read_session(const e2ee_olm_pickles *pickles,
                                          const e2ee_state_key *key,
                                          const e2ee_olm_account *account,
                                          const uint8_t *their_identity_key,
                                          size_t their_identity_key_len, const char *pickle,
                                          size_t pickle_len, e2ee_olm_session **session);

/* The pickle of a session, which is stale once it is given, and not by asking for its length; of late
 * messages, the newest 40 open. E2EE_STALE_SESSION while a step is open. Threads: any. */
e2ee_status e2ee_olm_pickles_write_session(const e2ee_olm_pickles *pickles,
                                           e2ee_olm_session *session, uint8_t *out,
                                           size_t capacity, size_t *len);

/* An outbound group session. Save it with e2ee_olm_outbound_group_session_save, or with its first
 * message. The errors are those of e2ee_olm_pickles_read_account. Threads: any. */
e2ee_status e2ee_olm_pickles_read_outbound(const e2ee_olm_pickles *pickles,
                                           const e2ee_state_key *key, const char *pickle,
                                           size_t pickle_len,
                                           e2ee_olm_outbound_group_session **session);

/* The pickle of an outbound group session, which is stale once it is given, and not by asking for its
 * length. E2EE_STALE_SESSION while a step is open. Threads: any. */
e2ee_status e2ee_olm_pickles_write_outbound(const e2ee_olm_pickles *pickles,
                                            e2ee_olm_outbound_group_session *session, uint8_t *out,
                                            size_t capacity, size_t *len);

/* An inbound group session, which knows the `count` messages that were opened elsewhere: as another
 * event they do not open. Save it with e2ee_olm_inbound_group_session_save, or with its first step.
 * E2EE_DUPLICATE_MESSAGE if one stands there with two events, E2EE_SESSION_EXHAUSTED for more than
 * 65536, and the errors of e2ee_olm_pickles_read_account. Threads: any. */
e2ee_status e2ee_olm_pickles_read_inbound(const e2ee_olm_pickles *pickles,
                                          const e2ee_state_key *key, const char *pickle,
                                          size_t pickle_len, const e2ee_olm_opened *opened,
                                          size_t count, e2ee_olm_inbound_group_session **session);

/* The pickle of an inbound group session, which both may go on using: it only opens.
 * Threads: any. */
e2ee_status e2ee_olm_pickles_write_inbound(const e2ee_olm_pickles *pickles,
                                           const e2ee_olm_inbound_group_session *session,
                                           uint8_t *out, size_t capacity, size_t *len);

#ifdef __cplusplus
}
#endif

#endif
