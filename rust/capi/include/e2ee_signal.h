/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The Signal protocol: sessions of two devices, sender keys of groups, safety numbers. Messages are
 * those that Signal clients exchange: kind 2 is a ratchet message, kind 3 a prekey message, kind 7 a
 * group message. Nothing is padded here, and names stand as they are given: a name that is a service
 * id (a UUID) is bound into first messages. Include e2ee.h, which has the rules.
 */

#ifndef E2EE_SIGNAL_H
#define E2EE_SIGNAL_H

#include "e2ee.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A public identity key: a type byte (05), and 32 bytes of Curve25519. */
#define E2EE_SIGNAL_IDENTITY_KEY_LEN 33
/* A bundle is never longer. */
#define E2EE_SIGNAL_BUNDLE_MAX_LEN 1836
/* The 16 bytes of a group's UUID. */
#define E2EE_SIGNAL_DISTRIBUTION_ID_LEN 16
/* What names a session: hexadecimal digits. */
#define E2EE_SIGNAL_SESSION_NAME_LEN 64
/* Digits of a safety number. */
#define E2EE_SIGNAL_SAFETY_NUMBER_DIGITS 60

/* One device: its identity and its prekeys. Its one record is named "device". */
typedef struct e2ee_signal_device e2ee_signal_device;
/* One session with one device of a peer. Its records are "head", "objects" and "skipped". */
typedef struct e2ee_signal_session e2ee_signal_session;
/* Our own chain for one group. Its one record is named "sending". */
typedef struct e2ee_signal_sender_key e2ee_signal_sender_key;
/* The chains of one sender for one group, at most five. Its records are "head" and "skipped". */
typedef struct e2ee_signal_sender_keys e2ee_signal_sender_keys;

/* A file on its way to its encrypted form, the blob, in constant memory. */
typedef struct e2ee_signal_attachment_encryptor e2ee_signal_attachment_encryptor;
/* The first pass over a blob, which verifies it. */
typedef struct e2ee_signal_attachment_verifier e2ee_signal_attachment_verifier;
/* The parts of a blob that was verified, each of which is verified again when it is opened. */
typedef struct e2ee_signal_attachment_segments e2ee_signal_attachment_segments;

/* A name of 1 to 255 bytes and a device from 1 to 127; others are E2EE_INVALID_ARGUMENT. */
typedef struct e2ee_signal_address {
    const char *name;
    size_t name_len;
    uint32_t device;
} e2ee_signal_address;

/* A person whose safety number is compared: an id and an identity key of 33 bytes. */
typedef struct e2ee_signal_person {
    const char *id;
    size_t id_len;
    const uint8_t *identity_key;
    size_t identity_key_len;
} e2ee_signal_person;

/* A device with a fresh identity, fresh prekeys and a random registration id of 14 bits. Seal and
 * save it before a bundle is given away. Threads: any. */
e2ee_status e2ee_signal_device_generate(const e2ee_signal_address *address,
                                        e2ee_signal_device **device);

/* The device of its one record. E2EE_STORE_CORRUPTION for another key, revision or record.
 * Threads: any. */
e2ee_status e2ee_signal_device_load(const e2ee_state_key *key, const e2ee_record *records,
                                    size_t count, e2ee_signal_device **device);

/* What to save of a device; the step's result has no bytes, and need not be released. Do so after a
 * bundle was made, and in the transaction of each session that was accepted: the record holds the
 * private keys, and which of them are used up. Threads: any. */
e2ee_status e2ee_signal_device_seal(e2ee_signal_device *device, const e2ee_state_key *key,
                                    e2ee_step **step);

/* The public identity key, 33 bytes. Threads: any. */
e2ee_status e2ee_signal_device_identity_key(const e2ee_signal_device *device, uint8_t *out,
                                            size_t capacity, size_t *len);

/* A bundle with which others start a session, about 1.8 kB; `out` must always have room for
 * E2EE_SIGNAL_BUNDLE_MAX_LEN bytes. It reserves one-time keys: seal and save the device before it is
 * given away. If `reusable` is not 0 it has none, and may serve many. Threads: any. */
e2ee_status e2ee_signal_device_bundle(e2ee_signal_device *device, int32_t reusable, uint8_t *out,
                                      size_t capacity, size_t *len);

/* Starts a session from a bundle, whose signatures are verified; nothing need be saved before the
 * first message. E2EE_BAD_SIGNATURE, E2EE_INVALID_KEY, E2EE_MALFORMED_MESSAGE or
 * E2EE_UNSUPPORTED_VERSION if it is no bundle of its identity. Who that is, only a compared safety
 * number says. Threads: any. */
e2ee_status e2ee_signal_session_initiate(const e2ee_state_key *key,
                                         const e2ee_signal_device *device,
                                         const e2ee_signal_address *peer, const uint8_t *bundle,
                                         size_t bundle_len, e2ee_signal_session **session);

/* Makes the session that a prekey message (kind 3) asks for; the step's result is the plaintext.
 * Seal the device and save it in the same transaction: its one-time keys are used up.
 * E2EE_UNKNOWN_PRE_KEY if it does not hold them, E2EE_AUTHENTICATION, E2EE_INVALID_KEY,
 * E2EE_MALFORMED_MESSAGE, E2EE_UNSUPPORTED_VERSION. Threads: any. */
e2ee_status e2ee_signal_session_accept(const e2ee_state_key *key, e2ee_signal_device *device,
                                       const e2ee_signal_address *peer, const uint8_t *message,
                                       size_t message_len, e2ee_signal_session **session,
                                       e2ee_step **step);

/* The session of its three records, in any order, and its name. E2EE_STORE_CORRUPTION if they are
 * not those of one state. Loading one state twice uses message keys twice. Threads: any. */
e2ee_status e2ee_signal_session_load(const e2ee_state_key *key, const e2ee_signal_device *device,
                                     const e2ee_signal_address *peer, const char *name,
                                     size_t name_len, const e2ee_record *records, size_t count,
                                     e2ee_signal_session **session);

/* What names the session and binds its records: 64 hexadecimal digits, without a zero byte.
 * Threads: any. */
e2ee_status e2ee_signal_session_name(const e2ee_signal_session *session, uint8_t *out,
                                     size_t capacity, size_t *len);

/* The peer's public identity key, 33 bytes; it never changes. Threads: any. */
e2ee_status e2ee_signal_session_their_identity_key(const e2ee_signal_session *session,
                                                   uint8_t *out, size_t capacity, size_t *len);

/* The registration id of the peer's device, by which a server knows one that was set up anew.
 * Threads: any. */
e2ee_status e2ee_signal_session_their_registration_id(const e2ee_signal_session *session,
                                                      uint32_t *registration_id);

/* The epoch of the post-quantum ratchet, and the messages since it began. Threads: any. */
e2ee_status e2ee_signal_session_pq_progress(const e2ee_signal_session *session, uint64_t *epoch,
                                            uint64_t *messages);

/* Encrypts; the step has the kind, 2 or 3, and its result is the message. E2EE_STALE_SESSION while a
 * step is open; E2EE_NO_SESSION 30 days after the start of a session that was never answered;
 * E2EE_SESSION_EXHAUSTED. Threads: any. */
e2ee_status e2ee_signal_session_encrypt(e2ee_signal_session *session, const uint8_t *plaintext,
                                        size_t plaintext_len, e2ee_step **step);

/* Opens a message of kind 2 or, of this session, of kind 3; the step's result is the plaintext.
 * E2EE_AUTHENTICATION, E2EE_DUPLICATE_MESSAGE, E2EE_MESSAGE_TOO_FAR_AHEAD, E2EE_INVALID_KEY,
 * E2EE_MALFORMED_MESSAGE (another kind, too), E2EE_UNSUPPORTED_VERSION; E2EE_STALE_SESSION while a
 * step is open. Threads: any. */
e2ee_status e2ee_signal_session_decrypt(e2ee_signal_session *session, uint8_t kind,
                                        const uint8_t *message, size_t message_len,
                                        e2ee_step **step);

/* Opens many messages, each with its kind, in their order and as one step, whose results
 * e2ee_step_release_at gives. A message that is refused changes nothing, and does not hold up the
 * others. E2EE_STALE_SESSION while a step is open. Threads: any. */
e2ee_status e2ee_signal_session_decrypt_many(e2ee_signal_session *session,
                                             const e2ee_message *messages, size_t count,
                                             e2ee_step **step);

/* A fresh chain with a fresh signing key, for a group's UUID of 16 bytes; nothing need be saved
 * before its first message. Threads: any. */
e2ee_status e2ee_signal_sender_key_create(const e2ee_state_key *key,
                                          const uint8_t *distribution_id,
                                          e2ee_signal_sender_key **sender_key);

/* The chain of its one record. E2EE_STORE_CORRUPTION for another key, group, revision or record.
 * Loading one state twice uses message keys twice. Threads: any. */
e2ee_status e2ee_signal_sender_key_load(const e2ee_state_key *key, const uint8_t *distribution_id,
                                        const e2ee_record *records, size_t count,
                                        e2ee_signal_sender_key **sender_key);

/* The distribution message for a new member, about 120 bytes. It opens what is written from now on,
 * and whoever reads it can do so: send it inside a message of a session of two.
 * E2EE_STALE_SESSION while a step is open. Threads: any. */
e2ee_status e2ee_signal_sender_key_distribution(const e2ee_signal_sender_key *sender_key,
                                                uint8_t *out, size_t capacity, size_t *len);

/* Encrypts to all who have the chain; the step's result is a group message, kind 7.
 * E2EE_STALE_SESSION while a step is open; E2EE_SESSION_EXHAUSTED. Threads: any. */
e2ee_status e2ee_signal_sender_key_encrypt(e2ee_signal_sender_key *sender_key,
                                           const uint8_t *plaintext, size_t plaintext_len,
                                           e2ee_step **step);

/* No chain of this sender for this group's UUID yet. Threads: any. */
e2ee_status e2ee_signal_sender_keys_new(const e2ee_state_key *key,
                                        const e2ee_signal_address *sender,
                                        const uint8_t *distribution_id,
                                        e2ee_signal_sender_keys **sender_keys);

/* The chains of their two records, in any order. E2EE_STORE_CORRUPTION if they are not those of one
 * state. Threads: any. */
e2ee_status e2ee_signal_sender_keys_load(const e2ee_state_key *key,
                                         const e2ee_signal_address *sender,
                                         const uint8_t *distribution_id,
                                         const e2ee_record *records, size_t count,
                                         e2ee_signal_sender_keys **sender_keys);

/* Takes in a distribution message that came from the sender through a session of two; the step's
 * result has no bytes. E2EE_INVALID_ARGUMENT if it is for another group; E2EE_MALFORMED_MESSAGE,
 * E2EE_UNSUPPORTED_VERSION or E2EE_INVALID_KEY if it is none; E2EE_STALE_SESSION while a step is
 * open. Threads: any. */
e2ee_status e2ee_signal_sender_keys_accept(e2ee_signal_sender_keys *sender_keys,
                                           const uint8_t *distribution, size_t distribution_len,
                                           e2ee_step **step);

/* Opens a group message; the step's result is the plaintext. E2EE_NO_SENDER_KEY if its chain is not
 * known, and the errors of e2ee_signal_session_decrypt. Threads: any. */
e2ee_status e2ee_signal_sender_keys_decrypt(e2ee_signal_sender_keys *sender_keys,
                                            const uint8_t *message, size_t message_len,
                                            e2ee_step **step);

/* Opens many group messages in their order and as one step, as e2ee_signal_session_decrypt_many
 * does; their kinds are ignored. Threads: any. */
e2ee_status e2ee_signal_sender_keys_decrypt_many(e2ee_signal_sender_keys *sender_keys,
                                                 const e2ee_message *messages, size_t count,
                                                 e2ee_step **step);

/* The scannable form of a safety number, as our side shows it, 74 bytes. The ids of version 2 are
 * service ids (a UUID as text, behind "PNI:" for that of a phone number), those of version 1 phone
 * numbers ("+14152222222"); others, and other versions, are E2EE_INVALID_ARGUMENT. E2EE_INVALID_KEY
 * for an identity key of another type or length. Threads: any; it takes milliseconds. */
e2ee_status e2ee_signal_safety_number(uint32_t version, const e2ee_signal_person *ours,
                                      const e2ee_signal_person *theirs, uint8_t *out,
                                      size_t capacity, size_t *len);

/* The 60 digits of a scannable form, without a zero byte, the same on both sides.
 * E2EE_MALFORMED_MESSAGE if it is none. Threads: any. */
e2ee_status e2ee_signal_safety_number_digits(const uint8_t *scannable, size_t scannable_len,
                                             uint8_t *out, size_t capacity, size_t *len);

/* E2EE_OK if what was scanned is the mirror image of our scannable form, E2EE_SAFETY_NUMBER_MISMATCH
 * if not; E2EE_SAFETY_NUMBER_VERSION and E2EE_MALFORMED_MESSAGE say nothing about who is between
 * you. The time does not depend on the hashes. Threads: any. */
e2ee_status e2ee_signal_safety_number_matches(const uint8_t *scannable, size_t scannable_len,
                                              const uint8_t *scanned, size_t scanned_len);

/* The bytes of the blob of a file of so many bytes. Threads: any. */
uint64_t e2ee_signal_attachment_blob_len(uint32_t size);

/* Begins to encrypt a file of exactly this size under a key of its own. Threads: any. */
e2ee_status e2ee_signal_attachment_encryptor_begin(uint32_t size,
                                                   e2ee_signal_attachment_encryptor **encryptor);

/* Takes the next bytes of the file; take the output after each call, as it waits in memory.
 * E2EE_INVALID_ARGUMENT if they are more than was announced, E2EE_STALE_SESSION after the end.
 * Threads: any. */
e2ee_status e2ee_signal_attachment_encryptor_update(e2ee_signal_attachment_encryptor *encryptor,
                                                    const uint8_t *plaintext,
                                                    size_t plaintext_len);

/* Goes one piece towards the end of the blob; call it until `*done`, and take the output after each
 * call. E2EE_INVALID_ARGUMENT if not all of the file was given, E2EE_STALE_SESSION after the end.
 * Threads: any. */
e2ee_status e2ee_signal_attachment_encryptor_finish(e2ee_signal_attachment_encryptor *encryptor,
                                                    bool *done);

/* Gives the bytes of the blob that are ready and were not taken before, perhaps none.
 * Threads: any. */
e2ee_status e2ee_signal_attachment_encryptor_output(e2ee_signal_attachment_encryptor *encryptor,
                                                    uint8_t *out, size_t capacity, size_t *len);

/* The pointer, with the blob's key and digest, in the fields of a Signal client's; send it inside a
 * message. E2EE_INVALID_ARGUMENT before the end. Threads: any. */
e2ee_status e2ee_signal_attachment_encryptor_pointer(
    const e2ee_signal_attachment_encryptor *encryptor, uint8_t *out, size_t capacity, size_t *len);

/* Begins to verify the blob of a pointer. E2EE_MALFORMED_MESSAGE if that is none. Threads: any. */
e2ee_status e2ee_signal_attachment_verifier_new(const uint8_t *pointer, size_t pointer_len,
                                                e2ee_signal_attachment_verifier **verifier);

/* Takes the next bytes of the blob. E2EE_AUTHENTICATION if no file of 4 GiB makes so many,
 * E2EE_STALE_SESSION after the end. Threads: any. */
e2ee_status e2ee_signal_attachment_verifier_update(e2ee_signal_attachment_verifier *verifier,
                                                   const uint8_t *blob, size_t blob_len);

/* Ends the pass, whatever comes of it. E2EE_AUTHENTICATION if the blob is not that of the pointer, or
 * not all of it; E2EE_STALE_SESSION the second time. Threads: any. */
e2ee_status e2ee_signal_attachment_verifier_finish(e2ee_signal_attachment_verifier *verifier,
                                                   e2ee_signal_attachment_segments **segments);

/* The bytes of the file; each segment has 65536 of them, the last one the rest. Threads: any,
 * without waiting. */
e2ee_status e2ee_signal_attachment_segments_size(const e2ee_signal_attachment_segments *segments,
                                                 uint32_t *size);

/* Where in the blob a segment begins, and how many bytes are needed to open it.
 * E2EE_INVALID_ARGUMENT if there is no such segment. Threads: any, without waiting. */
e2ee_status e2ee_signal_attachment_segments_range(const e2ee_signal_attachment_segments *segments,
                                                  uint32_t index, uint64_t *start, size_t *len);

/* The part of the file in a segment, of its bytes in the blob, which are verified again.
 * E2EE_AUTHENTICATION if they are other ones. Threads: any, without waiting. */
e2ee_status e2ee_signal_attachment_segments_open(const e2ee_signal_attachment_segments *segments,
                                                 uint32_t index, const uint8_t *segment,
                                                 size_t segment_len, uint8_t *out, size_t capacity,
                                                 size_t *len);

#ifdef __cplusplus
}
#endif

#include "e2ee_signal_sealed.h"
#include "e2ee_signal_services.h"

#endif
