/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What clients of Signal share with services, beside messages: the keys of an account, usernames,
 * single messages to a public key. None of it takes part in a session; nothing here changes, and all
 * of it is right after a fork too. Include e2ee.h, which has the rules.
 */

#ifndef E2EE_SIGNAL_SERVICES_H
#define E2EE_SIGNAL_SERVICES_H

#include "e2ee_signal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The bytes of an account's UUID. */
#define E2EE_SIGNAL_ACI_LEN 16
/* Characters of an account's entropy pool: digits and small letters. */
#define E2EE_SIGNAL_POOL_LEN 64
/* The bytes by which hpke_seal makes a plaintext longer. */
#define E2EE_SIGNAL_HPKE_OVERHEAD 49

/* The keys that follow from an account's entropy pool. */
typedef struct e2ee_signal_account_keys e2ee_signal_account_keys;
/* A private key to which others seal single messages. */
typedef struct e2ee_signal_hpke_key e2ee_signal_hpke_key;

/* The keys of a fresh random pool (signal.md 14.1). Threads: any. */
e2ee_status e2ee_signal_account_keys_generate(e2ee_signal_account_keys **account_keys);

/* The keys of a pool of 64 characters; E2EE_INVALID_ARGUMENT for anything else. Threads: any. */
e2ee_status e2ee_signal_account_keys_new(const char *pool, size_t pool_len,
                                         e2ee_signal_account_keys **account_keys);

/* The keys that e2ee_signal_account_keys_seal gave. E2EE_STORE_CORRUPTION for another key or other
 * bytes. Threads: any. */
e2ee_status e2ee_signal_account_keys_load(const e2ee_state_key *key, const uint8_t *sealed,
                                          size_t sealed_len,
                                          e2ee_signal_account_keys **account_keys);

/* The pool, sealed, to be kept. Threads: any, without waiting. */
e2ee_status e2ee_signal_account_keys_seal(const e2ee_signal_account_keys *account_keys,
                                          const e2ee_state_key *key, uint8_t *out, size_t capacity,
                                          size_t *len);

/* The pool itself, 64 characters, for the owner of the account to write down: all else follows from
 * it. Threads: any, without waiting. */
e2ee_status e2ee_signal_account_keys_pool(const e2ee_signal_account_keys *account_keys,
                                          uint8_t *out, size_t capacity, size_t *len);

/* Which of an account's keys. */
enum {
    /* What secure value recovery keeps under a PIN. */
    E2EE_SIGNAL_SVR_KEY = 0,
    /* What proves that the number may be registered again. */
    E2EE_SIGNAL_REGISTRATION_LOCK = 1,
    /* What registers again without a code by SMS. */
    E2EE_SIGNAL_REGISTRATION_RECOVERY_PASSWORD = 2,
    E2EE_SIGNAL_STORAGE_SERVICE_KEY = 3,
    /* Of log files. */
    E2EE_SIGNAL_LOGGING_KEY = 4,
    /* Of backups, from which their other keys follow. */
    E2EE_SIGNAL_BACKUP_KEY = 5,
    /* Of a backup's metadata on the device. */
    E2EE_SIGNAL_LOCAL_METADATA_KEY = 6
};

/* One of these keys, 32 bytes. E2EE_INVALID_ARGUMENT for another number. Threads: any, without
 * waiting. */
e2ee_status e2ee_signal_account_keys_get(const e2ee_signal_account_keys *account_keys,
                                         int32_t which, uint8_t *out, size_t capacity,
                                         size_t *len);

/* Under which id a service keeps the backups of the account with this UUID, 16 bytes both.
 * Threads: any, without waiting. */
e2ee_status e2ee_signal_backup_keys_id(const e2ee_signal_account_keys *account_keys,
                                       const uint8_t *aci, uint8_t *out, size_t capacity,
                                       size_t *len);

/* The public key that goes with that id, 33 bytes. Threads: any, without waiting. */
e2ee_status e2ee_signal_backup_keys_public_key(const e2ee_signal_account_keys *account_keys,
                                               const uint8_t *aci, uint8_t *out, size_t capacity,
                                               size_t *len);

/* A signature with its private key, 64 bytes (XEdDSA, signal.md 2.3). Threads: any, without
 * waiting. */
e2ee_status e2ee_signal_backup_keys_sign(const e2ee_signal_account_keys *account_keys,
                                         const uint8_t *aci, const uint8_t *message,
                                         size_t message_len, uint8_t *out, size_t capacity,
                                         size_t *len);

/* Under which id a service keeps the media file of this name, 15 bytes. Threads: any, without
 * waiting. */
e2ee_status e2ee_signal_backup_keys_media_id(const e2ee_signal_account_keys *account_keys,
                                             const char *media_name, size_t media_name_len,
                                             uint8_t *out, size_t capacity, size_t *len);

/* The key of a media file, 64 bytes: AES, then HMAC. E2EE_INVALID_ARGUMENT unless its id has 15
 * bytes. Threads: any, without waiting. */
e2ee_status e2ee_signal_backup_keys_media_key(const e2ee_signal_account_keys *account_keys,
                                              const uint8_t *media_id, size_t media_id_len,
                                              uint8_t *out, size_t capacity, size_t *len);

/* The key of its thumbnail, 64 bytes: AES, then HMAC. E2EE_INVALID_ARGUMENT unless the id has 15
 * bytes. Threads: any, without waiting. */
e2ee_status e2ee_signal_backup_keys_thumbnail_key(const e2ee_signal_account_keys *account_keys,
                                                  const uint8_t *media_id, size_t media_id_len,
                                                  uint8_t *out, size_t capacity, size_t *len);

/* The encryption key and the access key of a PIN, 32 bytes each, one behind the other (signal.md
 * 14.1). `binding` is 32 bytes that the service gives for the account, E2EE_INVALID_ARGUMENT for
 * another length. Slow on purpose: Argon2id with 16 MiB and 32 passes. Threads: any, without
 * waiting. */
e2ee_status e2ee_signal_hash_pin(const uint8_t *pin, size_t pin_len, const uint8_t *binding,
                                 size_t binding_len, uint8_t *out, size_t capacity, size_t *len);

/* The hash by which a service finds the account of a username, 32 bytes (signal.md 14.2); names that
 * differ in case alone have the same. E2EE_INVALID_ARGUMENT if it is none: a nickname of 1 to 48
 * letters, digits and underscores that does not begin with a digit, a dot, and a number of two
 * digits or more. Threads: any, without waiting. */
e2ee_status e2ee_signal_username_hash(const char *username, size_t username_len, uint8_t *out,
                                      size_t capacity, size_t *len);

/* A fresh key for a link, 32 bytes, which goes into the link itself. Threads: any, without waiting. */
e2ee_status e2ee_signal_username_link_key(uint8_t *out, size_t capacity, size_t *len);

/* What the service keeps for the link with this key, 32 bytes: the username, encrypted. A key that
 * was given away may be used again, for another username too. E2EE_INVALID_ARGUMENT if one of them
 * is none. Threads: any, without waiting. */
e2ee_status e2ee_signal_username_link(const char *username, size_t username_len,
                                      const uint8_t *link_key, size_t link_key_len, uint8_t *out,
                                      size_t capacity, size_t *len);

/* The username in a link, text without a zero byte. E2EE_INVALID_ARGUMENT if the key is not 32 bytes,
 * E2EE_AUTHENTICATION if these bytes were not made with it, E2EE_MALFORMED_MESSAGE if they hold no
 * username. Threads: any, without waiting. */
e2ee_status e2ee_signal_username_from_link(const uint8_t *link_key, size_t link_key_len,
                                           const uint8_t *sealed, size_t sealed_len, uint8_t *out,
                                           size_t capacity, size_t *len);

/* A fresh key to which others seal (RFC 9180). Threads: any. */
e2ee_status e2ee_signal_hpke_key_generate(e2ee_signal_hpke_key **hpke_key);

/* The key that e2ee_signal_hpke_key_seal gave. E2EE_STORE_CORRUPTION for another state key or other
 * bytes. Threads: any. */
e2ee_status e2ee_signal_hpke_key_load(const e2ee_state_key *key, const uint8_t *sealed,
                                      size_t sealed_len, e2ee_signal_hpke_key **hpke_key);

/* The key, sealed, to be kept. Threads: any, without waiting. */
e2ee_status e2ee_signal_hpke_key_seal(const e2ee_signal_hpke_key *hpke_key,
                                      const e2ee_state_key *key, uint8_t *out, size_t capacity,
                                      size_t *len);

/* The public key, 33 bytes. Threads: any, without waiting. */
e2ee_status e2ee_signal_hpke_key_public_key(const e2ee_signal_hpke_key *hpke_key, uint8_t *out,
                                            size_t capacity, size_t *len);

/* Opens what was sealed for this key with the same two texts, which may be null. Nothing says who
 * sealed it. E2EE_AUTHENTICATION if it does not open, E2EE_MALFORMED_MESSAGE or
 * E2EE_UNSUPPORTED_VERSION if it is no such message. Threads: any, without waiting. */
e2ee_status e2ee_signal_hpke_key_open(const e2ee_signal_hpke_key *hpke_key, const uint8_t *info,
                                      size_t info_len, const uint8_t *associated_data,
                                      size_t associated_data_len, const uint8_t *sealed,
                                      size_t sealed_len, uint8_t *out, size_t capacity,
                                      size_t *len);

/* Seals one message for the owner of a public key of 33 bytes (signal.md 14): a suite byte (01), an
 * encapsulated key of 32 bytes, the ciphertext, a tag of 16. E2EE_INVALID_KEY. Whoever takes the
 * private key later opens it; a session does not have this weakness. Threads: any, without
 * waiting. */
e2ee_status e2ee_signal_hpke_seal(const uint8_t *public_key, size_t public_key_len,
                                  const uint8_t *info, size_t info_len,
                                  const uint8_t *associated_data, size_t associated_data_len,
                                  const uint8_t *plaintext, size_t plaintext_len, uint8_t *out,
                                  size_t capacity, size_t *len);

#ifdef __cplusplus
}
#endif

#endif
