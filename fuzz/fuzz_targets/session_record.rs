// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stored sessions (docs/formats.md, "Session"): what is written is read.
#![no_main]

use e2ee_signal::Session;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let (head, rest) = rest.split_at(rest.len() * usize::from(first) / 256);
    let (objects, skipped) = rest.split_at(rest.len() / 2);
    if let Ok(session) = Session::decode(head, objects, skipped) {
        let again = [session.encode_head(), session.encode_objects(), session.encode_skipped()];
        let [head, objects, skipped] = again.each_ref().map(|part| part.expose());
        let session = Session::decode(head, objects, skipped).expect("what is written is read");
        assert_eq!(head, session.encode_head().expose());
    }
});
