// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stored sender keys (docs/formats.md, "Sender key" and "Received sender keys"; signal.md §8.1):
//! what is written is read.
#![no_main]

use e2ee_signal::sender_keys::{SenderKey, SenderKeyRecord, SenderKeys};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(own) = SenderKey::decode(bytes) {
        assert!(SenderKey::decode(own.encode().expose()).is_ok());
    }
    if let Ok(record) = SenderKeyRecord::from_libsignal(bytes) {
        written(&record.received);
    }
    let Some((&first, rest)) = bytes.split_first() else { return };
    let (head, skipped) = rest.split_at(rest.len() * usize::from(first) / 256);
    if let Ok(keys) = SenderKeys::decode(head, skipped) {
        written(&keys);
    }
});

fn written(keys: &SenderKeys) {
    let (head, skipped) = (keys.encode_head(&[]), keys.encode_skipped());
    let again = SenderKeys::decode(head.expose(), skipped.expose());
    let again = again.expect("what is written is read");
    assert_eq!(head.expose(), again.encode_head(&[]).expose());
    assert_eq!(skipped.expose(), again.encode_skipped().expose());
}
