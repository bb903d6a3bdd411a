// SPDX-License-Identifier: MIT OR Apache-2.0
//! The field of the post-quantum ratchet (spqr.md §3).
#![no_main]

use e2ee_signal::spqr::Message;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = Message::decode(bytes) {
        let mut again = Vec::new();
        message.encode_into(&mut again);
        assert_eq!(message.encoded_len(), again.len());
        assert_eq!(Ok(message), Message::decode(&again));
    }
});
