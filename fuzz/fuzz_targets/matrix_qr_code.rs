// SPDX-License-Identifier: MIT OR Apache-2.0
//! QR codes for verification, as a camera reads them (olm_megolm.md §4).
#![no_main]

use e2ee_olm::qr::{MIN_SECRET_LEN, QrCode};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(code) = QrCode::decode(bytes) {
        assert_eq!(bytes, code.encode());
        assert!(code.secret().len() >= MIN_SECRET_LEN);
        assert!(code.was_scanned(code.secret().expose()));
        assert!(!code.was_scanned(&[]));
    }
});
