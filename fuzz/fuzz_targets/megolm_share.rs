// SPDX-License-Identifier: MIT OR Apache-2.0
//! Session keys and exports of Megolm, and its stored states (olm_megolm.md §2): what is read is
//! written as it was.
#![no_main]

use e2ee_olm::megolm::{Events, InboundGroupSession, OutboundGroupSession};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = InboundGroupSession::from_session_key(bytes);
    if let Ok(session) = InboundGroupSession::from_export(bytes) {
        let export = session.export_at(session.first_known_index()).unwrap();
        assert_eq!(bytes, export.expose());
    }
    if let Ok(session) = InboundGroupSession::decode(bytes) {
        assert_eq!(bytes, session.encode(&[]).expose());
    }
    if let Ok(session) = OutboundGroupSession::decode(bytes) {
        assert_eq!(bytes, session.encode().expose());
    }
    if let Ok(events) = Events::decode(bytes) {
        assert_eq!(bytes, events.encode().expose());
    }
});
