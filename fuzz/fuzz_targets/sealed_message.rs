// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sealed messages of both versions, and contents (signal.md §10.2 to §10.5).
//!
//! The recipient's key is that of a recording, so that seeds open.
#![no_main]

use std::sync::LazyLock;

use e2ee_primitives::x25519::PrivateKey;
use e2ee_signal::{
    Address, DeviceId,
    sealed_sender::{self, Content, Receiver, TrustAnchors},
};

/// Two recorded recipients (tests/vectors/signal/sealed_sender.json).
static IDENTITIES: LazyLock<[PrivateKey; 2]> = LazyLock::new(|| {
    [
        "8866a7fa124df824d3e9c005881f531fefa620a4d45b62a5c7b905bf45057f7d",
        "b0b87ab015eb8324eb89ad9ac3ca805ac254debb6e3088dd2446399f5c055850",
    ]
    .map(|text| PrivateKey::from_bytes(&unhex(text)))
});

fn unhex(text: &str) -> [u8; 32] {
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let address = Address::new("bob", DeviceId::new(1).unwrap()).unwrap();
    let anchors = TrustAnchors { roots: &[], signers: &[], revoked: &[] };
    for identity in IDENTITIES.iter() {
        let receiver = Receiver { identity, address: &address, e164: None };
        // No root is trusted, so the best that can come is an untrusted certificate.
        assert!(sealed_sender::open(bytes, &receiver, &anchors, 0).is_err());
    }
    if let Ok(content) = Content::decode(bytes) {
        let again = Content::decode(content.encode().expose()).expect("what is written is read");
        assert_eq!(
            (content.kind, content.hint, content.message, content.group_id),
            (again.kind, again.hint, again.message, again.group_id)
        );
    }
});
