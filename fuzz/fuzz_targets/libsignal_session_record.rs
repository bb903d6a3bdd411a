// SPDX-License-Identifier: MIT OR Apache-2.0
//! Session records of libsignal's stores (signal.md §8.1).
#![no_main]

use e2ee_signal::import::SessionRecord;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = SessionRecord::read(bytes) {
        assert_eq!(record.is_empty(), record.current.is_none() && record.archived.is_empty());
    }
});
