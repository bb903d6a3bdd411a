// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sender certificates with server certificates inside (signal.md §10.1).
#![no_main]

use e2ee_signal::sealed_sender::{SenderCertificate, TrustAnchors};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(certificate) = SenderCertificate::decode(bytes) {
        let again = SenderCertificate::decode(&certificate.encode());
        assert_eq!(Ok(&certificate), again.as_ref());
        let anchors = TrustAnchors { roots: &[], signers: &[], revoked: &[] };
        assert!(certificate.validate(&anchors, 0).is_err());
    }
});
