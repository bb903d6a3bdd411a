// SPDX-License-Identifier: MIT OR Apache-2.0
//! Envelopes, and the message inside (docs/formats.md, "Envelope").
#![no_main]

use e2ee_signal::{PreKeyMessage, RatchetMessage, envelope};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok((kind, message)) = envelope::decode(bytes) {
        assert_eq!(bytes, envelope::encode(kind, message));
        let _ = RatchetMessage::decode(message);
        let _ = PreKeyMessage::decode(message);
    }
});
