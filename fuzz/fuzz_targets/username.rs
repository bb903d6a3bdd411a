// SPDX-License-Identifier: MIT OR Apache-2.0
//! Usernames, as text and inside links whose tag is right (signal.md §14.2).
#![no_main]

use e2ee_primitives::{Secret, cbc_hmac::cbc_encrypt, hkdf, hmac::HmacKey};
use e2ee_signal::username::Username;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let named = core::str::from_utf8(bytes).ok().and_then(|text| Username::parse(text).ok());
    if let Some(username) = named {
        assert_eq!(bytes, username.text().as_bytes());
        assert!(username.hash().is_ok());
    }
    // Not the key of the recorded links, which are among the seeds.
    let link_key = Secret::new([9; 32]);
    assert!(Username::open(&link_key, bytes).is_err());
    let derive = |info: &[u8]| -> Secret<32> { hkdf::derive(&[], &[link_key.expose()], &[info]) };
    let cipher_key = derive(b"Signal Username Link Encryption Key");
    let mac_key = derive(b"Signal Username Link Authentication Key");
    let body = [&[1; 16], &cbc_encrypt(&cipher_key, &[1; 16], bytes)[..]].concat();
    let tag = HmacKey::new(mac_key.expose()).tag(&[&body]);
    let _ = Username::open(&link_key, &[&body[..], &tag].concat());
});
