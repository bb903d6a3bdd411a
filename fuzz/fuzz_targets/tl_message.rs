// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bodies of secret chats (mtproto_secret_chats.md §3): what is read is written and read again.
#![no_main]

use e2ee_mtproto::{
    action::service,
    message::{Layered, Message},
    text::Text,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(layered) = Layered::decode(bytes) else { return };
    let body = layered.encode_behind(&[7; 15]).unwrap();
    let again = Layered::decode(body.expose()).unwrap();
    assert_eq!(
        (layered.layer, layered.in_seq_no, layered.out_seq_no, layered.message),
        (again.layer, again.in_seq_no, again.out_seq_no, again.message)
    );
    if let Ok(Message::Service { random_id, action }) = Message::decode(layered.message) {
        let again = service(random_id, &action).unwrap();
        assert_eq!(Ok(Message::Service { random_id, action }), Message::decode(&again));
    }
    if let Ok(Some((text, unread))) = Text::decode(layered.message) {
        assert!(unread.len() < layered.message.len());
        let again = text.encode().unwrap();
        assert_eq!(Ok(Some((text, &[][..]))), Text::decode(&again));
    }
});
