/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Sealed sender of the Signal protocol: messages that do not tell the server who sent them, and the
 * certificates that tell their recipients. A seal is around what a session or a chain has encrypted
 * (e2ee_signal.h), and changes neither. Certificates, contents and messages to many never change, and
 * are right after a fork too. A certificate names its sender by a service id: whoever names peers in
 * another way must know which id is whose. Include e2ee.h, which has the rules.
 */

#ifndef E2EE_SIGNAL_SEALED_H
#define E2EE_SIGNAL_SEALED_H

#include "e2ee_signal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The key of an operator, which certifies its servers. Its one record is named "trust-root". */
typedef struct e2ee_signal_trust_root e2ee_signal_trust_root;
/* A certified key, which certifies senders. Its one record is named "server-signer". */
typedef struct e2ee_signal_server_signer e2ee_signal_server_signer;
/* What a server says of a sender: service id, device and identity key, until a time. */
typedef struct e2ee_signal_sender_certificate e2ee_signal_sender_certificate;
/* What a recipient trusts: keys of roots, known signers, numbers of signers that count no more. */
typedef struct e2ee_signal_trust_anchors e2ee_signal_trust_anchors;
/* A message out of its seal; it is still to be opened, as one of the device it names. */
typedef struct e2ee_signal_sealed_content e2ee_signal_sealed_content;
/* A message to many, as its sender gave it to the server. */
typedef struct e2ee_signal_sent e2ee_signal_sent;

/* A message to seal: of kind 2, 3 or 7, or 8, which is content that is not encrypted again (a
 * decryption error). The group's id is empty if it belongs to none. The hint says what to do if it
 * does not open: 0 show an error, 1 the sender can send it again, 2 show nothing. */
typedef struct e2ee_signal_content {
    const uint8_t *message;
    size_t message_len;
    const uint8_t *group_id;
    size_t group_id_len;
    uint32_t hint;
    uint8_t kind;
} e2ee_signal_content;

/* A device that a message goes to, the identity key of its account (33 bytes), and the registration
 * id by which the server knows a device that was set up anew, at most 16383. */
typedef struct e2ee_signal_destination {
    e2ee_signal_address address;
    const uint8_t *identity_key;
    size_t identity_key_len;
    uint32_t registration_id;
} e2ee_signal_destination;

/* A device of a recipient, and its registration id. */
typedef struct e2ee_signal_registration {
    uint32_t device;
    uint32_t registration_id;
} e2ee_signal_registration;

/* A fresh root (signal.md 10.1). Seal and save it before its public key is given away.
 * Threads: any. */
e2ee_status e2ee_signal_trust_root_generate(e2ee_signal_trust_root **root);

/* The root of its one record. E2EE_STORE_CORRUPTION for another key, revision or record.
 * Threads: any. */
e2ee_status e2ee_signal_trust_root_load(const e2ee_state_key *key, const e2ee_record *records,
                                        size_t count, e2ee_signal_trust_root **root);

/* What to save of a root; the step's result has no bytes. Threads: any. */
e2ee_status e2ee_signal_trust_root_seal(e2ee_signal_trust_root *root, const e2ee_state_key *key,
                                        e2ee_step **step);

/* The public key, 33 bytes, which recipients trust. Threads: any. */
e2ee_status e2ee_signal_trust_root_public_key(const e2ee_signal_trust_root *root, uint8_t *out,
                                              size_t capacity, size_t *len);

/* A signer with a fresh key, certified under a number. E2EE_INVALID_ARGUMENT for 0xDEADC357, which is
 * revoked for ever. Threads: any. */
e2ee_status e2ee_signal_trust_root_server_signer(const e2ee_signal_trust_root *root,
                                                 uint32_t number,
                                                 e2ee_signal_server_signer **signer);

/* The signer of its one record. E2EE_STORE_CORRUPTION for another key, revision or record.
 * Threads: any. */
e2ee_status e2ee_signal_server_signer_load(const e2ee_state_key *key, const e2ee_record *records,
                                           size_t count, e2ee_signal_server_signer **signer);

/* What to save of a signer; the step's result has no bytes. Threads: any. */
e2ee_status e2ee_signal_server_signer_seal(e2ee_signal_server_signer *signer,
                                           const e2ee_state_key *key, e2ee_step **step);

/* The root's word for this signer, about 110 bytes; it travels in every certificate that the signer
 * issues. Threads: any. */
e2ee_status e2ee_signal_server_signer_certificate(const e2ee_signal_server_signer *signer,
                                                  uint8_t *out, size_t capacity, size_t *len);

/* A certificate for a device with this identity key, 33 bytes, until and with a millisecond since the
 * Unix epoch. A name that is no service id is certified as the UUID of version 5 that an e2ee.Account
 * of this name has. `e164` is the phone number with its plus sign, or null: recipients learn it.
 * E2EE_INVALID_ARGUMENT for the service id of a phone number, or another form of a number;
 * E2EE_INVALID_KEY. Threads: any. */
e2ee_status e2ee_signal_server_signer_issue(const e2ee_signal_server_signer *signer,
                                            const e2ee_signal_address *sender,
                                            const uint8_t *identity_key, size_t identity_key_len,
                                            const char *e164, size_t e164_len,
                                            uint64_t expires_ms,
                                            e2ee_signal_sender_certificate **certificate);

/* A certificate as it travels; nothing of it is verified. E2EE_MALFORMED_MESSAGE or E2EE_INVALID_KEY
 * if it is none. Threads: any. */
e2ee_status e2ee_signal_sender_certificate_parse(const uint8_t *bytes, size_t bytes_len,
                                                 e2ee_signal_sender_certificate **certificate);

/* The certificate as it travels. Threads: any, without waiting. */
e2ee_status e2ee_signal_sender_certificate_bytes(const e2ee_signal_sender_certificate *certificate,
                                                 uint8_t *out, size_t capacity, size_t *len);

/* The service id of the sender, a UUID as text. Threads: any, without waiting. */
e2ee_status e2ee_signal_sender_certificate_sender(const e2ee_signal_sender_certificate *certificate,
                                                  uint8_t *out, size_t capacity, size_t *len);

/* The identity key of the sender, 33 bytes. Threads: any, without waiting. */
e2ee_status e2ee_signal_sender_certificate_identity_key(
    const e2ee_signal_sender_certificate *certificate, uint8_t *out, size_t capacity, size_t *len);

/* The phone number of the sender, no bytes if it is not told. Threads: any, without waiting. */
e2ee_status e2ee_signal_sender_certificate_e164(const e2ee_signal_sender_certificate *certificate,
                                                uint8_t *out, size_t capacity, size_t *len);

/* The device of the sender, from 1 to 127. Threads: any, without waiting. */
e2ee_status e2ee_signal_sender_certificate_device(const e2ee_signal_sender_certificate *certificate,
                                                  uint32_t *device);

/* The last millisecond since the Unix epoch in which it is valid. Threads: any, without waiting. */
e2ee_status e2ee_signal_sender_certificate_expires_ms(
    const e2ee_signal_sender_certificate *certificate, uint64_t *expires_ms);

/* E2EE_OK if what is trusted vouches for the certificate, and it has not expired;
 * E2EE_INVALID_CERTIFICATE if not, whatever the cause. Threads: any. */
e2ee_status e2ee_signal_sender_certificate_validate(
    const e2ee_signal_sender_certificate *certificate, const e2ee_signal_trust_anchors *anchors);

/* Trusts nobody yet. Threads: any. */
e2ee_status e2ee_signal_trust_anchors_new(e2ee_signal_trust_anchors **anchors);

/* Trusts the signers that this root, 33 bytes, has certified. E2EE_INVALID_KEY. Threads: any. */
e2ee_status e2ee_signal_trust_anchors_add_root(e2ee_signal_trust_anchors *anchors,
                                               const uint8_t *public_key, size_t public_key_len);

/* Knows the certificate of a signer whom senders' certificates name by its number alone.
 * E2EE_MALFORMED_MESSAGE or E2EE_INVALID_KEY if it is none; E2EE_INVALID_ARGUMENT if one of this
 * number is known. Threads: any. */
e2ee_status e2ee_signal_trust_anchors_add_signer(e2ee_signal_trust_anchors *anchors,
                                                 const uint8_t *server_certificate,
                                                 size_t server_certificate_len);

/* Trusts the signer of this number no more. Threads: any. */
e2ee_status e2ee_signal_trust_anchors_revoke(e2ee_signal_trust_anchors *anchors, uint32_t number);

/* Seals a message that a session or a chain of this device has encrypted, so that the server does not
 * learn who sent it, for the owner of an identity key of 33 bytes (signal.md 10.3). Release the
 * message's step first. E2EE_INVALID_CERTIFICATE if the certificate is not this device's or has
 * expired; E2EE_INVALID_KEY; E2EE_INVALID_ARGUMENT for another kind or above 16 MiB. Threads: any. */
e2ee_status e2ee_signal_sealed_seal(const e2ee_signal_device *device,
                                    const e2ee_signal_sender_certificate *certificate,
                                    const e2ee_signal_content *content,
                                    const uint8_t *their_identity_key,
                                    size_t their_identity_key_len, uint8_t *out, size_t capacity,
                                    size_t *len);

/* The same for many devices at once, in the form that a server fans out (signal.md 10.4): those of
 * one account stand together and have one identity key. Names are mapped as in certificates. Of the
 * excluded accounts the server learns that they are left out; their devices are ignored.
 * E2EE_INVALID_ARGUMENT without destinations, or for one that cannot be, and the errors of
 * e2ee_signal_sealed_seal. Threads: any. */
e2ee_status e2ee_signal_sealed_seal_for_many(
    const e2ee_signal_device *device, const e2ee_signal_sender_certificate *certificate,
    const e2ee_signal_content *content, const e2ee_signal_destination *destinations, size_t count,
    const e2ee_signal_address *excluded, size_t excluded_count, uint8_t *out, size_t capacity,
    size_t *len);

/* Takes a message out of its seal; `e164` is our phone number, or null. The message inside opens with
 * a session or a chain of the device that the certificate names, whose identity key must be the one
 * that is known. E2EE_AUTHENTICATION if it was not sealed for this device's identity,
 * E2EE_INVALID_CERTIFICATE if nobody who is trusted vouches for the sender, E2EE_SELF_SEND,
 * E2EE_MALFORMED_MESSAGE, E2EE_UNSUPPORTED_VERSION, E2EE_INVALID_KEY. Threads: any. */
e2ee_status e2ee_signal_sealed_open(const e2ee_signal_device *device,
                                    const e2ee_signal_trust_anchors *anchors, const char *e164,
                                    size_t e164_len, const uint8_t *sealed, size_t sealed_len,
                                    e2ee_signal_sealed_content **content);

/* The kind of the message inside: 2, 3, 7 or 8. Threads: any, without waiting. */
e2ee_status e2ee_signal_sealed_content_kind(const e2ee_signal_sealed_content *content,
                                            uint8_t *kind);

/* What to do if it does not open, as e2ee_signal_content says. Threads: any, without waiting. */
e2ee_status e2ee_signal_sealed_content_hint(const e2ee_signal_sealed_content *content,
                                            uint32_t *hint);

/* The message inside. Threads: any, without waiting. */
e2ee_status e2ee_signal_sealed_content_message(const e2ee_signal_sealed_content *content,
                                               uint8_t *out, size_t capacity, size_t *len);

/* The id of the group that it belongs to, no bytes if to none. Threads: any, without waiting. */
e2ee_status e2ee_signal_sealed_content_group_id(const e2ee_signal_sealed_content *content,
                                                uint8_t *out, size_t capacity, size_t *len);

/* The certificate of its sender, which was validated. Threads: any, without waiting. */
e2ee_status e2ee_signal_sealed_content_certificate(const e2ee_signal_sealed_content *content,
                                                   e2ee_signal_sender_certificate **certificate);

/* A message to many; a server needs no key for it. E2EE_MALFORMED_MESSAGE or
 * E2EE_UNSUPPORTED_VERSION if it is none. Threads: any. */
e2ee_status e2ee_signal_sent_parse(const uint8_t *message, size_t message_len,
                                   e2ee_signal_sent **sent);

/* How many accounts it is for, and how many its sender left out. Threads: any, without waiting. */
e2ee_status e2ee_signal_sent_recipients(const e2ee_signal_sent *sent, size_t *recipients,
                                        size_t *excluded);

/* The service id of a recipient, as text; places begin with 0. E2EE_INVALID_ARGUMENT if there is no
 * such place. Threads: any, without waiting. */
e2ee_status e2ee_signal_sent_service_id(const e2ee_signal_sent *sent, size_t place, uint8_t *out,
                                        size_t capacity, size_t *len);

/* The devices of a recipient, `*count` of them, with the rules of buffers. Threads: any, without
 * waiting. */
e2ee_status e2ee_signal_sent_devices(const e2ee_signal_sent *sent, size_t place,
                                     e2ee_signal_registration *devices, size_t capacity,
                                     size_t *count);

/* What each device of a recipient gets, for e2ee_signal_sealed_open. Threads: any, without
 * waiting. */
e2ee_status e2ee_signal_sent_received(const e2ee_signal_sent *sent, size_t place, uint8_t *out,
                                      size_t capacity, size_t *len);

/* The service id of an account that was left out, as text. Threads: any, without waiting. */
e2ee_status e2ee_signal_sent_excluded(const e2ee_signal_sent *sent, size_t place, uint8_t *out,
                                      size_t capacity, size_t *len);

#ifdef __cplusplus
}
#endif

#endif
