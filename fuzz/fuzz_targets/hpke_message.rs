// SPDX-License-Identifier: MIT OR Apache-2.0
//! Single messages to a fixed key (signal.md §14).
#![no_main]

use std::sync::LazyLock;

use e2ee_primitives::x25519::PrivateKey;
use e2ee_signal::hpke::{Binding, HpkeKey};

static KEY: LazyLock<HpkeKey> = LazyLock::new(|| HpkeKey::new(PrivateKey::from_bytes(&[7; 32])));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    assert!(KEY.open_message(Binding::default(), bytes).is_err());
});
