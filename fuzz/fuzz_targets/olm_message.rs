// SPDX-License-Identifier: MIT OR Apache-2.0
//! Normal messages of Olm (olm_megolm.md §1.3): one that is read is the only form of what it says.
#![no_main]

use e2ee_olm::{
    NormalMessage,
    dialect::{Olm, TAG_LEN},
};
use e2ee_ratchet::{Dialect, FrameHead};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = NormalMessage::decode(bytes) {
        let body = message.frame.body;
        let head = FrameHead { header: message.header, previous_length: 0, body_len: body.len() };
        let mut again = Vec::new();
        Olm::begin(&(), &head, &mut again);
        again.extend_from_slice(body);
        assert_eq!(again, message.frame.authenticated);
        again.extend_from_slice(message.frame.tag);
        assert_eq!(TAG_LEN, message.frame.tag.len());
        assert_eq!(bytes, again);
    }
});
