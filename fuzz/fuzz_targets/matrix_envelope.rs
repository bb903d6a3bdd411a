// SPDX-License-Identifier: MIT OR Apache-2.0
//! Envelopes of Olm and Megolm (docs/formats.md, "Matrix envelope"): what is read lies in the bytes.
#![no_main]

use e2ee_olm::stored::envelope::{Contents, decode, identity_key};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    _ = identity_key(bytes);
    if let Ok(Contents::Room(message)) = decode(bytes) {
        let parts = [message.session_id.len(), message.room.len(), message.device.len()];
        let key = message.sender_key.map_or(0, |key| key.len());
        let read = parts.iter().sum::<usize>() + key + message.message.len();
        assert_eq!(bytes.len(), read + 2 + 3);
    }
});
