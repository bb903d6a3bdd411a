// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pointers of attachments (signal.md §13).
#![no_main]

use e2ee_signal::attachment::AttachmentPointer;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(pointer) = AttachmentPointer::decode(bytes) {
        let encoded = pointer.encode();
        let again = AttachmentPointer::decode(encoded.expose()).unwrap();
        assert_eq!(encoded.expose(), again.encode().expose());
    }
});
