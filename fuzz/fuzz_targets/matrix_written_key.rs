// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys as their owners type them (olm_megolm.md §6).
#![no_main]

use e2ee_olm::recovery;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(key) = recovery::decode(text) {
        let written = recovery::encode(&key);
        let typed: String = text.split_whitespace().collect();
        let ours: String =
            core::str::from_utf8(written.expose()).unwrap().split(' ').collect();
        assert_eq!(typed, ours);
    }
    let digits: String = text.chars().filter(|each| !each.is_whitespace()).collect();
    assert!(digits.len() == 48 || recovery::decode(text).is_err());
});
