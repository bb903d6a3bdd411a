// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scanned safety numbers (signal.md §11).
#![no_main]

use e2ee_signal::safety_number::SafetyNumber;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(number) = SafetyNumber::decode(bytes) {
        assert_eq!(60, number.digits().len());
        assert_eq!(Ok(number.clone()), SafetyNumber::decode(&number.encode()));
        let _ = number.compare(bytes);
    }
});
