// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests to send again, and the plaintext content around them (signal.md §4.4).
#![no_main]

use e2ee_signal::decryption_error::DecryptionError;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = DecryptionError::decode_content(bytes) {
        assert_eq!(bytes, request.encode_content());
    }
    if let Ok(request) = DecryptionError::decode(bytes) {
        assert_eq!(bytes, request.encode());
    }
});
