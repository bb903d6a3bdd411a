// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parsers of a secret chat under damaged messages: what they read, they write and read again
//! (mtproto_secret_chats.md §3).

use e2ee_conformance::{damage::throw, json, unhex};
use e2ee_mtproto::{
    action::{Action, service},
    message::{Layered, Message},
    text::Text,
};
use serde_json::Value;

fn messages() -> Option<Vec<Vec<u8>>> {
    let of = |vector: &Value| unhex(vector["tl_message"].as_str().unwrap());
    let set = json("mtproto/secret_chat")?;
    Some(set["messages"].as_array().unwrap().iter().map(of).collect())
}

#[test]
fn messages_of_a_chat() {
    let Some(seeds) = messages() else { return };
    throw("mtproto_message", &seeds, |bytes| match Message::decode(bytes) {
        Ok(Message::Service { random_id, action }) => {
            let again = service(random_id, &action).unwrap();
            assert_eq!(Ok(Message::Service { random_id, action }), Message::decode(&again));
            true
        }
        decoded => decoded.is_ok(),
    });
}

#[test]
fn actions_of_a_chat() {
    let Some(seeds) = messages() else { return };
    let services =
        seeds.iter().filter(|bytes| matches!(Message::decode(bytes), Ok(Message::Service { .. })));
    let seeds: Vec<_> = services.map(|bytes| bytes[12..].to_vec()).collect();
    throw("mtproto_action", &seeds, |bytes| {
        let Ok(action) = Action::decode(bytes) else { return false };
        let mut again = vec![];
        action.encode(&mut again).unwrap();
        assert_eq!(Ok(action), Action::decode(&again));
        true
    });
}

#[test]
fn bodies_of_messages() {
    let Some(messages) = messages() else { return };
    let layered = |message| Layered { layer: 144, in_seq_no: 2, out_seq_no: 5, message };
    let body = |layered: Layered<'_>| layered.encode_behind(&[7; 31]).unwrap().expose().to_vec();
    let seeds: Vec<_> = messages.iter().map(|message| body(layered(message))).collect();
    throw("mtproto_body", &seeds, |bytes| {
        let Ok(decoded) = Layered::decode(bytes) else { return false };
        let before = (decoded.layer, decoded.in_seq_no, decoded.out_seq_no, decoded.message);
        let again = body(Layered { ..decoded });
        let after = Layered::decode(&again).unwrap();
        assert_eq!(before, (after.layer, after.in_seq_no, after.out_seq_no, after.message));
        true
    });
}

#[test]
fn texts() {
    let Some(messages) = messages() else { return };
    let seeds: Vec<_> = messages
        .into_iter()
        .filter(|message| matches!(Text::decode(message), Ok(Some(_))))
        .collect();
    throw("mtproto_text", &seeds, |bytes| {
        let Ok(Some((text, unread))) = Text::decode(bytes) else { return false };
        let again = text.encode().unwrap();
        assert_eq!(Ok(Some((text, &[][..]))), Text::decode(&again));
        assert!(unread.len() < bytes.len());
        true
    });
}
