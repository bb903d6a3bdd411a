// SPDX-License-Identifier: MIT OR Apache-2.0
//! Group messages (signal.md §9), and what a receiver makes of them under any chain.
#![no_main]

use e2ee_signal::sender_keys::{DistributionMessage, GroupMessage, SenderKeys};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = GroupMessage::decode(bytes) else { return };
    let mut keys = SenderKeys::none();
    keys.accept(&DistributionMessage {
        distribution_id: *message.distribution_id,
        chain_id: message.chain_id,
        index: message.index.saturating_sub(3),
        chain_key: e2ee_primitives::Secret::new([7; 32]),
        signing_key: e2ee_primitives::x25519::PublicKey::new([9; 32]),
    });
    assert!(keys.decrypt(&message).is_err(), "nobody signs under this key");
});
