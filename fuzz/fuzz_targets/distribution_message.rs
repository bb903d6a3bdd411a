// SPDX-License-Identifier: MIT OR Apache-2.0
//! Distribution messages (signal.md §9): what is written is read.
#![no_main]

use e2ee_signal::sender_keys::DistributionMessage;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = DistributionMessage::decode(bytes) {
        let encoded = message.encode();
        let again = DistributionMessage::decode(encoded.expose()).expect("what is written is read");
        assert_eq!(encoded.expose(), again.encode().expose());
    }
});
