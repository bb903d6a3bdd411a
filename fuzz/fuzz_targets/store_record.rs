// SPDX-License-Identifier: MIT OR Apache-2.0
//! Store records, with a given key so that no passphrase is stretched (docs/formats.md, "Store record").
#![no_main]

use e2ee_primitives::Secret;
use e2ee_state::StoreSecret;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let secret = StoreSecret::Key(Secret::new([7; 32]));
    let _ = secret.open(bytes);
});
