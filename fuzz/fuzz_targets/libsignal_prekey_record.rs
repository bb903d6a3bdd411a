// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records of keys of libsignal's stores, behind 32 bytes of the identity that signed them
//! (signal.md §2.1; §3, "Stored records").
#![no_main]

use e2ee_primitives::x25519;
use e2ee_signal::{import, keys::encode_kyber};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((identity, record)) = bytes.split_first_chunk() else { return };
    let identity = x25519::PublicKey::new(*identity);
    for key in [
        import::identity_key_pair(record),
        import::one_time_prekey(record).map(|prekey| prekey.key),
        import::signed_prekey(record, &identity).map(|dated| dated.prekey.key),
    ]
    .into_iter()
    .flatten()
    {
        let again = x25519::PrivateKey::from_bytes(key.expose());
        assert_eq!(again.public(), key.public());
    }
    if let Ok(dated) = import::kyber_prekey(record, &identity) {
        let public = encode_kyber(&dated.prekey.key.public());
        assert!(record.windows(public.len()).any(|part| part == public));
    }
});
