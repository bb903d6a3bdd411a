// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ratchet messages and the post-quantum field in them (signal.md §4.2, spqr.md §3).
#![no_main]

use e2ee_signal::{RatchetMessage, spqr};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = RatchetMessage::decode(bytes) {
        let _ = spqr::Message::decode(message.pq);
    }
});
