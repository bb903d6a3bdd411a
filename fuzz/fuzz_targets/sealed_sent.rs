// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages to many, as a server gets them (signal.md §10.4).
#![no_main]

use e2ee_signal::sealed_sender::SentMessage;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = SentMessage::decode(bytes) {
        for recipient in message.recipients() {
            assert!(!recipient.devices.is_empty());
            assert!(
                recipient.devices.iter().all(|(_, registration_id)| *registration_id < 1 << 14)
            );
            assert!(!message.excluded().contains(&recipient.service_id));
            assert_eq!(49 + message.tail().len(), recipient.received(message.tail()).len());
        }
    }
});
