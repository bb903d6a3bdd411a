// SPDX-License-Identifier: MIT OR Apache-2.0
//! Megolm against sessions that libolm and vodozemac recorded (olm_megolm.md §2).

use e2ee_conformance::{Count, json, number, olm::unbase64, text, unhex};
use e2ee_olm::{
    megolm::{GroupMessage, InboundGroupSession, OutboundGroupSession, Provenance},
    pickle::{libolm, vodozemac},
};
use e2ee_primitives::base64;
use e2ee_wire::Error;
use serde_json::Value;

fn list<'a>(case: &'a Value, field: &str) -> &'a [Value] {
    case[field].as_array().unwrap_or_else(|| panic!("field {field} is absent or no list"))
}

fn index(case: &Value) -> u32 {
    u32::try_from(number(case, "index")).unwrap()
}

fn inbound(case: &Value) -> InboundGroupSession {
    InboundGroupSession::from_session_key(&unbase64(text(case, "session_key"))).unwrap()
}

fn open(session: &mut InboundGroupSession, message: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(session.decrypt(&GroupMessage::decode(message)?)?.expose().to_vec())
}

/// Opens all messages of a session, in their order and then from the last to the first.
fn opens(case: &Value, field: &str) -> usize {
    let mut session = inbound(case);
    let messages = list(case, "messages");
    for message in messages.iter().chain(messages.iter().rev()) {
        let bytes = unbase64(text(message, field));
        assert_eq!(index(message), GroupMessage::decode(&bytes).unwrap().index);
        let expected = text(message, "plaintext").as_bytes().to_vec();
        assert_eq!(Ok(expected), open(&mut session, &bytes), "{message}");
    }
    messages.len()
}

/// Encrypts all messages as their sender did, byte for byte.
fn encrypts(mut session: OutboundGroupSession, case: &Value, field: &str) -> usize {
    let messages = list(case, "messages");
    assert_eq!(text(case, "session_key"), base64::encode(session.session_key().expose()));
    for message in messages {
        while session.index() < index(message) {
            session.encrypt(b"not recorded").unwrap();
        }
        let encrypted = session.encrypt(text(message, "plaintext").as_bytes()).unwrap();
        assert_eq!(text(message, field), base64::encode(&encrypted), "{message}");
    }
    messages.len()
}

fn exports(session: &InboundGroupSession, at: u32, expected: &str) {
    let export = session.export_at(at).unwrap();
    assert_eq!(expected, base64::encode(export.expose()), "{at}");
    let read = InboundGroupSession::from_export(export.expose()).unwrap();
    assert_eq!(Provenance::Exported, read.provenance());
    assert_eq!(expected, base64::encode(read.export_at(at).unwrap().expose()), "{at}");
}

#[test]
fn both_peers_sessions_open_and_give_their_exports() {
    let Some(set) = json("olm/megolm") else { return };
    let mut count = Count::new("olm/megolm sessions");
    let sessions = list(&set, "sessions");
    for case in sessions {
        let session = inbound(case);
        assert_eq!(text(case, "session_id"), base64::encode(session.session_id()));
        let messages = opens(case, "ciphertext");
        let mut exported = 0;
        for (field, at) in
            [("exported_at_0", 0), ("exported_at_3", 3), ("vodozemac_export_at_3", 3)]
        {
            if let Some(expected) = case[field].as_str() {
                exports(&session, at, expected);
                exported += 1;
            }
        }
        println!("olm/megolm {}: {messages} messages, {exported} exports", text(case, "sender"));
        assert!(exported > 0);
        count.ran();
    }
    count.finish(sessions.len());
}

#[test]
fn vodozemacs_session_encrypts_byte_for_byte() {
    let Some(set) = json("olm/megolm") else { return };
    let mut count = Count::new("olm/megolm plain_pickle");
    let sessions = list(&set, "sessions").iter().filter(|case| case.get("plain_pickle").is_some());
    let mut total = 0;
    for case in sessions {
        let plain = serde_json::to_vec(&case["plain_pickle"]).unwrap();
        total += encrypts(vodozemac::outbound(&plain).unwrap(), case, "ciphertext");
        count.ran();
    }
    println!("olm/megolm plain_pickle: {total} messages byte for byte");
    count.finish(1);
}

#[test]
fn jumps_far_ahead_give_the_peers_exports() {
    let Some(set) = json("olm/megolm") else { return };
    let mut count = Count::new("olm/megolm jumps");
    let from = usize::try_from(number(&set["jumps"], "from_session")).unwrap();
    let session = inbound(&list(&set, "sessions")[from]);
    let cases = list(&set["jumps"], "exports");
    for case in cases {
        exports(&session, index(case), text(case, "exported"));
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn carries_of_the_ratchet() {
    let Some(set) = json("olm/megolm") else { return };
    let mut count = Count::new("olm/megolm edges");
    let cases = list(&set, "edges");
    for case in cases {
        assert_eq!(number(case, "start"), u64::from(inbound(case).first_known_index()));
        println!("olm/megolm edge {}: {} messages", case["start"], opens(case, "ciphertext"));
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn altered_messages_are_refused() {
    let Some(set) = json("olm/megolm") else { return };
    let mut count = Count::new("olm/megolm faults");
    let mut session = inbound(&list(&set, "sessions")[0]);
    let cases = list(&set, "faults");
    for case in cases {
        let expected = match text(case, "fault") {
            "version" => Error::UnsupportedVersion,
            _ => Error::Forged,
        };
        let verdict = open(&mut session, &unbase64(text(case, "ciphertext")));
        assert_eq!(Err(expected), verdict, "{case}");
        count.ran();
    }
    count.finish(cases.len());
}

#[test]
fn libolms_sessions_open_export_and_encrypt_byte_for_byte() {
    let Some(set) = json("olm/megolm-libolm") else { return };
    let mut count = Count::new("olm/megolm-libolm");
    let cases = list(&set, "megolm");
    let (mut messages, mut exported) = (0, 0);
    for case in cases {
        messages += opens(case, "body");
        let plain = unhex(text(case, "outbound_pickle_plain_hex"));
        encrypts(libolm::outbound(&plain).unwrap(), case, "body");
        let session = inbound(case);
        assert_eq!(text(case, "session_id"), base64::encode(session.session_id()));
        for export in list(case, "exports") {
            exports(&session, index(export), text(export, "exported_session_key"));
            exported += 1;
        }
        count.ran();
    }
    println!("olm/megolm-libolm: {messages} messages byte for byte, {exported} exports");
    count.finish(cases.len());
}

#[test]
fn vodozemacs_sessions_open() {
    let Some(set) = json("olm/megolm-vodozemac") else { return };
    let mut count = Count::new("olm/megolm-vodozemac");
    let cases = list(&set, "megolm");
    let messages: usize = cases.iter().map(|case| opens(case, "body")).sum();
    cases.iter().for_each(|_| count.ran());
    println!("olm/megolm-vodozemac: {messages} messages");
    count.finish(cases.len());
}

/// What vodozemac accepts without the sender's key: other forms of a message that was signed.
#[test]
fn no_flipped_bit_and_no_other_form_of_a_message_opens() {
    let Some(set) = json("olm/megolm") else { return };
    let (mut flips, mut forms, mut accepted) = (0, 0, 0);
    for case in list(&set, "sessions") {
        let mut session = inbound(case);
        let message = unbase64(text(&list(case, "messages")[1], "ciphertext"));
        for bit in 0..8 * message.len() {
            let mut altered = message.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            accepted += usize::from(open(&mut session, &altered).is_ok());
            flips += 1;
        }
        let (start, end) = message.split_at(message.len() - 72);
        let (head, body) = start.split_at(3);
        let others = [
            [&[head, &[0x18, 0x05], body].concat(), end].concat(),
            [start, &[0x18, 0x05], end].concat(),
            [start, &[0x1a, 0x01, 0xff], end].concat(),
            [&[3, 0x08, 0x81, 0x00], body, end].concat(),
            [head, &[0x12, body[1] | 0x80, 0x00], &body[2..], end].concat(),
            [&[3], body, &head[1..], end].concat(),
            [head, &head[1..], body, end].concat(),
            [start, body, end].concat(),
        ];
        for other in others {
            accepted += usize::from(open(&mut session, &other).is_ok());
            forms += 1;
        }
        assert!(open(&mut session, &message).is_ok());
    }
    println!("olm/megolm: {flips} flipped bits and {forms} other forms, {accepted} accepted");
    assert!(flips > 0 && forms > 0);
    assert_eq!(0, accepted);
}
