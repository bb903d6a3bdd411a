// SPDX-License-Identifier: MIT OR Apache-2.0
//! A recorded decryption error, and the plaintext content around it (signal.md §4.4).

use e2ee_conformance::{
    Count,
    fields::{hex, number},
    json,
    verdict::is_listed,
};
use e2ee_primitives::x25519;
use e2ee_signal::{DeviceId, decryption_error::DecryptionError, envelope::Kind};
use e2ee_wire::Error;

const SET: &str = "signal/misc";

#[test]
fn recorded_decryption_errors_are_ours() {
    let Some(vector) = json(SET) else { return };
    let case = &vector["decryption_error"];
    let mut count = Count::new(&format!("{SET} decryption_error"));
    let device = DeviceId::new(u32::try_from(number(case, "device_id")).unwrap()).unwrap();
    assert_eq!(3, number(case, "original_type"));

    let original = hex(case, "original");
    let ours = DecryptionError::of((Kind::PreKey, &original), number(case, "timestamp"), device);
    let ours = ours.unwrap();
    assert_eq!(hex(case, "serialized"), ours.encode());
    assert_eq!(Ok(ours), DecryptionError::decode(&hex(case, "serialized")));
    count.ran();

    let content = hex(case, "plaintext_content");
    assert_eq!(content, ours.encode_content());
    assert_eq!(Ok(ours), DecryptionError::decode_content(&content));
    count.ran();

    // A group message has no ratchet key of a session: time 5, device 2.
    let of_group = DecryptionError { ratchet_key: None, sent_ms: 5, device: 2 };
    assert_eq!(hex(case, "for_sender_key"), of_group.encode());
    assert_eq!(Ok(of_group), DecryptionError::decode(&hex(case, "for_sender_key")));
    count.ran();
    count.finish(3);
}

#[test]
fn a_request_has_one_form_which_is_listed() {
    assert!(is_listed("decryption-error-exact"));
    let key = x25519::PublicKey::new([9; 32]);
    let content = DecryptionError { ratchet_key: Some(key), sent_ms: 5, device: 2 };
    let mut longer = content.encode();
    longer.extend_from_slice(&[0x20, 1]);
    assert_eq!(Err(Error::Malformed), DecryptionError::decode(&longer));
}
