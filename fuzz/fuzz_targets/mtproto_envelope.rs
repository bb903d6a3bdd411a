// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages of a secret chat under a key that is known (mtproto_secret_chats.md §2): what opens is
//! sealed again to the same length; and data that is sealed under it, whatever it claims.
#![no_main]

use e2ee_mtproto::{
    envelope::{fingerprint_of, open, seal_padded},
    key::ChatKey,
    role::Role,
};
use e2ee_primitives::{Secret, ige::IgeEncryptor};

/// Bytes before the encrypted data.
const HEADER_LEN: usize = 24;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let key = ChatKey::new(Secret::new([7; 256]));
    check(&key, bytes);
    check(&key, &sealed(&key, bytes));
});

/// The data, sealed as it is.
fn sealed(key: &ChatKey, data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    data.truncate(data.len() / 16 * 16);
    let message_key = key.message_key(Role::Originator, &data);
    let (cipher_key, iv) = key.cipher_keys(Role::Originator, &message_key);
    IgeEncryptor::new(&cipher_key, &iv).encrypt(&mut data).unwrap();
    [&key.fingerprint().to_le_bytes()[..], &message_key, &data].concat()
}

fn check(key: &ChatKey, wire: &[u8]) {
    let Ok(body) = open(key, Role::Originator, wire) else { return };
    assert_eq!(Ok(key.fingerprint()), fingerprint_of(wire));
    let padding_len = wire.len() - HEADER_LEN - 4 - body.len();
    assert!((12..=1024).contains(&padding_len));
    let again = seal_padded(key, Role::Originator, body.expose(), &vec![7; padding_len]).unwrap();
    assert_eq!(wire.len(), again.len());
    assert!(open(key, Role::Originator, &again).unwrap().ct_eq(body.expose()));
}
