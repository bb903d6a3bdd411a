// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bundles (docs/formats.md, "Bundle").
#![no_main]

use e2ee_signal::PreKeyBundle;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(bundle) = PreKeyBundle::decode(bytes) {
        assert_eq!(bytes, bundle.encode());
        let _ = bundle.verify();
    }
});
