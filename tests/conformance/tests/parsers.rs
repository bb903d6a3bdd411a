// SPDX-License-Identifier: MIT OR Apache-2.0
//! Throws damaged recordings at every parser of bytes that others choose: none panics, and what is
//! accepted encodes to something that is accepted again (signal.md §12; spqr.md §3).
//!
//! This is the short form of the fuzz targets; its mutations are the same on each run.

use e2ee_conformance::{
    damage::throw,
    fields::{hex, text},
    json, own,
    sealed::recipients,
    signal::Filler,
};
use e2ee_olm::{ecies, hpke_channel, key_export, qr::QrCode, recovery};
use e2ee_primitives::secret::SecretBytes;
use e2ee_signal::{
    PreKeyBundle, PreKeyMessage, PreKeyStock, RatchetMessage, Session, envelope,
    parts::{Parts, Revisions},
    sealed_sender::{Content, SenderCertificate, SentMessage},
    spqr,
};

fn messages(kind: u64) -> Vec<Vec<u8>> {
    let vector = json("signal/session_basic").expect("this set is part of the repository");
    let steps = vector["steps"].as_array().unwrap();
    let sent = steps.iter().filter(|step| text(step, "op") == "send" && step["type"] == kind);
    sent.map(|step| hex(step, "message")).collect()
}

fn parts_of(session: &Session) -> [Vec<u8>; 3] {
    let parts = [session.encode_head(), session.encode_objects(), session.encode_skipped()];
    parts.map(|part| part.expose().to_vec())
}

fn encoded(stock: &PreKeyStock) -> Vec<u8> {
    let mut out = Vec::new();
    stock.encode(&mut out);
    out
}

#[test]
fn ratchet_messages() {
    throw("ratchet_message", &messages(2), |bytes| RatchetMessage::decode(bytes).is_ok());
}

#[test]
fn prekey_messages() {
    throw("prekey_message", &messages(3), |bytes| {
        let Ok(message) = PreKeyMessage::decode(bytes) else { return false };
        let again = message.outer.wrap(message.inner);
        let again = PreKeyMessage::decode(&again).unwrap();
        assert_eq!(message.outer.digest(), again.outer.digest());
        true
    });
}

#[test]
fn post_quantum_fields() {
    let seeds: Vec<Vec<u8>> = messages(2)
        .iter()
        .map(|message| RatchetMessage::decode(message).unwrap().pq.to_vec())
        .collect();
    throw("pq_field", &seeds, |bytes| {
        let Ok(message) = spqr::Message::decode(bytes) else { return false };
        let mut again = Vec::new();
        message.encode_into(&mut again);
        assert_eq!(Ok(message), spqr::Message::decode(&again));
        true
    });
}

#[test]
fn envelopes() {
    let seeds: Vec<Vec<u8>> = messages(2)
        .iter()
        .map(|message| envelope::encode(envelope::Kind::Ratchet, message))
        .collect();
    throw("envelope", &seeds, |bytes| {
        let Ok((kind, message)) = envelope::decode(bytes) else { return false };
        assert_eq!(bytes, envelope::encode(kind, message));
        true
    });
}

fn sealed(path: &[&str]) -> Vec<u8> {
    let vector = json("signal/sealed_sender").expect("this set is part of the repository");
    let (last, before) = path.split_last().unwrap();
    hex(before.iter().fold(&vector, |value, part| &value[*part]), last)
}

#[test]
fn sealed_messages() {
    let vector = json("signal/sealed_sender").expect("this set is part of the repository");
    let [bob, .., carol] = recipients(&vector);
    let content = sealed(&["v2", "single_recipient_received"]);
    let cases = vector["v1"].as_array().unwrap();
    let seeds: Vec<_> = cases.iter().map(|case| hex(case, "message")).chain([content]).collect();
    throw("sealed_message", &seeds, |bytes| {
        [&bob, &carol].iter().any(|device| device.open(&vector, bytes, 0).is_ok())
    });
    let seeds: Vec<_> = cases.iter().map(|case| hex(case, "usmc")).collect();
    throw("sealed_content", &seeds, |bytes| {
        let Ok(content) = Content::decode(bytes) else { return false };
        let again = Content::decode(content.encode().expose()).unwrap();
        assert_eq!(content.encode().expose(), again.encode().expose());
        true
    });
}

#[test]
fn sealed_messages_to_many() {
    let seeds = ["sent_message", "single_recipient_sent"].map(|name| sealed(&["v2", name]));
    throw("sealed_sent", &seeds, |bytes| {
        let Ok(message) = SentMessage::decode(bytes) else { return false };
        for recipient in message.recipients() {
            assert_eq!(49 + message.tail().len(), recipient.received(message.tail()).len());
        }
        true
    });
}

#[test]
fn sender_certificates() {
    let seeds = ["sender_certificate", "sender_certificate_no_e164"].map(|name| sealed(&[name]));
    throw("sender_certificate", &seeds, |bytes| {
        let Ok(certificate) = SenderCertificate::decode(bytes) else { return false };
        assert_eq!(Ok(&certificate), SenderCertificate::decode(&certificate.encode()).as_ref());
        true
    });
}

#[test]
fn bundles_read_only_what_they_write() {
    let [_, mut bob] = own::pair();
    let (identity, id) = (&bob.identity, bob.registration_id);
    let ours = e2ee_signal::session::OurIdentity { key: identity, registration_id: id };
    let device = bob.parties.ours.device();
    let one_time = bob.stock.reserve(ours, device, &mut Filler::numbered(9)).unwrap();
    let seeds = [own::bundle(&bob).encode(), one_time.encode()];
    for seed in &seeds {
        assert_eq!(seed, &PreKeyBundle::decode(seed).unwrap().encode());
    }
    throw("bundle", &seeds, |bytes| {
        let Ok(bundle) = PreKeyBundle::decode(bytes) else { return false };
        assert_eq!(bytes, bundle.encode());
        true
    });
}

#[test]
fn stored_sessions_read_what_they_write() {
    let [mut alice, mut bob] = own::pair();
    own::connect(&mut alice, &own::bundle(&bob), 7).unwrap();
    for _ in 0..3 {
        own::send(&mut alice, b"lost");
        let (kind, message) = own::send(&mut alice, b"there");
        bob.receive(kind, &message).unwrap();
        let (kind, message) = own::send(&mut bob, b"back");
        alice.receive(kind, &message).unwrap();
    }
    let session = bob.sessions.current().unwrap();
    let parts = parts_of(session);
    for (damage, name) in ["head", "objects", "skipped"].into_iter().enumerate() {
        throw(&format!("session_{name}"), &[parts[damage].clone()], |bytes| {
            let mut given = [&parts[0][..], &parts[1], &parts[2]];
            given[damage] = bytes;
            let Ok(session) = Session::decode(given[0], given[1], given[2]) else { return false };
            let again = parts_of(&session);
            let session = Session::decode(&again[0], &again[1], &again[2]).unwrap();
            assert_eq!(again, parts_of(&session));
            true
        });
    }
}

/// Head, objects, older chains and skipped seeds as an account keeps them.
fn account_parts_of(session: &Session) -> [Vec<u8>; 4] {
    let some = |part: Option<SecretBytes>| part.map_or(vec![], |part| part.expose().to_vec());
    [
        session.head_part(&Revisions::default()).expose().to_vec(),
        session.objects_part().expose().to_vec(),
        some(session.chains_part()),
        some(session.skipped_part()),
    ]
}

/// A part that is there.
fn some_part(part: &[u8]) -> Option<&[u8]> {
    (!part.is_empty()).then_some(part)
}

fn read_account_parts(parts: [&[u8]; 4]) -> Option<Session> {
    let [head, objects, chains, skipped] = parts;
    let (_, head) = Revisions::decode(head).ok()??;
    let (chains, skipped) = (some_part(chains), some_part(skipped));
    Session::from_parts(&Parts { head, objects, chains, skipped }).ok()
}

#[test]
fn sessions_of_accounts_read_what_they_write() {
    let [mut alice, mut bob] = own::pair();
    own::connect(&mut alice, &own::bundle(&bob), 7).unwrap();
    for _ in 0..3 {
        own::send(&mut alice, b"lost");
        let (kind, message) = own::send(&mut alice, b"there");
        bob.receive(kind, &message).unwrap();
        let (kind, message) = own::send(&mut bob, b"back");
        alice.receive(kind, &message).unwrap();
    }
    let parts = account_parts_of(bob.sessions.current().unwrap());
    assert!(parts.iter().all(|part| !part.is_empty()));
    for (damage, name) in ["head", "objects", "chains", "skipped"].into_iter().enumerate() {
        throw(&format!("account_session_{name}"), &[parts[damage].clone()], |bytes| {
            let mut given = parts.each_ref().map(|part| &part[..]);
            given[damage] = bytes;
            let Some(session) = read_account_parts(given) else { return false };
            let again = account_parts_of(&session);
            let session = read_account_parts(again.each_ref().map(|part| &part[..])).unwrap();
            assert_eq!(again, account_parts_of(&session));
            true
        });
    }
}

#[test]
fn stored_prekeys_read_what_they_write() {
    let [_, bob] = own::pair();
    throw("stock", &[encoded(&bob.stock)], |bytes| {
        let Ok(stock) = PreKeyStock::decode(bytes) else { return false };
        let again = encoded(&stock);
        assert_eq!(again, encoded(&PreKeyStock::decode(&again).unwrap()));
        true
    });
}

#[test]
fn matrix_qr_codes() {
    let code = [&b"MATRIX\x02\x00\x00\x06$event"[..], &[1; 64], &[7; 16]].concat();
    throw("matrix_qr_code", &[code], |bytes| {
        let Ok(code) = QrCode::decode(bytes) else { return false };
        assert_eq!(bytes, code.encode());
        true
    });
}

fn recorded(part: &str) -> serde_json::Value {
    let vector = json("olm/attachments_exports_ssss").expect("this set is part of the repository");
    vector[part].clone()
}

#[test]
fn matrix_written_keys() {
    let written = text(&recorded("secret_storage"), "recovery_key").as_bytes().to_vec();
    throw("matrix_written_key", &[written], |bytes| {
        let typed = core::str::from_utf8(bytes).unwrap_or("");
        let Ok(key) = recovery::decode(typed) else { return false };
        let again = recovery::encode(&key);
        let strip = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(strip(typed), strip(core::str::from_utf8(again.expose()).unwrap()));
        true
    });
}

/// The first line alone is damaged, or the last: what is between them asks for many rounds.
#[test]
fn matrix_key_exports() {
    let file = text(&recorded("key_exports")[0], "file").to_owned();
    let lines: Vec<Vec<u8>> = file.lines().map(|line| line.as_bytes().to_vec()).collect();
    let ends = [lines[0].clone(), lines.last().unwrap().clone()];
    throw("matrix_key_export", &ends, |bytes| {
        let framed = [bytes, b"\n\n", &ends[1]].concat();
        core::str::from_utf8(&framed).is_ok_and(|text| key_export::open(text, "").is_ok())
    });
}

#[test]
fn matrix_first_messages_of_a_login() {
    let recipient = |number: u32| ecies::Recipient::new("", &mut Filler::numbered(number)).unwrap();
    let key = *recipient(1).public_key();
    let first = ecies::Initiator::establish(&key, "", b"text", &mut Filler::numbered(2)).unwrap().1;
    throw("matrix_login", &[first.clone().into_bytes()], |bytes| {
        let Ok(message) = core::str::from_utf8(bytes) else { return false };
        let opened = recipient(1).accept(message).is_ok();
        assert!(!opened || message.trim_end_matches('=').len() <= first.len());
        opened
    });
}

#[test]
fn matrix_first_messages_of_a_login_over_hpke() {
    let recipient =
        || hpke_channel::Recipient::new("", &mut Filler::numbered(1)).expect("a source that works");
    let key = *recipient().public_key();
    let random = &mut Filler::numbered(2);
    let (_, first) = hpke_channel::Initiator::establish(&key, "", b"text", random).unwrap();
    throw("matrix_login over HPKE", std::slice::from_ref(&first), |bytes| {
        let opened = recipient().accept(bytes).is_ok();
        assert!(!opened || bytes == first);
        opened
    });
}
