// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prekey messages (signal.md §4.3).
#![no_main]

use e2ee_signal::PreKeyMessage;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = PreKeyMessage::decode(bytes) {
        let again = message.outer.wrap(message.inner);
        let again = PreKeyMessage::decode(&again).expect("what is written is read");
        assert_eq!(message.outer.digest(), again.outer.digest());
    }
});
