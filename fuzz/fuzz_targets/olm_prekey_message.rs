// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prekey messages of Olm (olm_megolm.md §1.3): one that is read is the only form of what it says.
#![no_main]

use e2ee_olm::PreKeyMessage;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = PreKeyMessage::decode(bytes) {
        let frame = message.message.frame;
        let inner = [frame.authenticated, frame.tag].concat();
        let mut again = Vec::new();
        message.keys.begin(inner.len(), &mut again);
        again.extend_from_slice(&inner);
        assert_eq!(bytes, again);
    }
});
