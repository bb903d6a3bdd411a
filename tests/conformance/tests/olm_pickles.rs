// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pickles of libolm and vodozemac, read and written (olm_megolm.md §3).

use e2ee_conformance::{
    Count, json,
    olm::{state, unbase64},
    olm_pickle::SessionState,
    text, unhex,
};
use e2ee_olm::{
    Account, Session,
    pickle::{self, Identities, libolm, vodozemac},
};
use e2ee_primitives::{base64, secret::SecretBytes, x25519};
use serde_json::Value;

/// The plaintext of a recorded pickle, which is sealed again byte for byte.
fn opened(recorded: &Value, key: &[u8]) -> SecretBytes {
    let plain = pickle::open(text(recorded, "pickle"), key).unwrap();
    assert_eq!(text(recorded, "pickle"), pickle::seal(&plain, key));
    plain
}

/// Whether all is the same but for the bits of private keys that do not count: both peers keep the
/// bytes that they drew, and clamp them when they use them (RFC 7748 §5); here they are clamped.
fn same_bytes(expected: &[u8], written: &SecretBytes) {
    assert_eq!(expected.len(), written.len());
    for (at, (expected, written)) in expected.iter().zip(written.expose()).enumerate() {
        assert!(is_clamped(*expected, *written), "byte {at}: {expected} and {written}");
    }
}

fn is_clamped(expected: u8, written: u8) -> bool {
    let bits = expected ^ written;
    bits & !0b111 == 0 && written & 0b111 == 0 || bits & 0x3f == 0 && written >> 6 == 1 || bits == 0
}

/// The same for JSON.
fn same_json(expected: &Value, written: &Value) {
    match (expected, written) {
        (Value::Array(expected), Value::Array(written)) => {
            assert_eq!(expected.len(), written.len());
            expected
                .iter()
                .zip(written)
                .for_each(|(expected, written)| same_json(expected, written));
        }
        (Value::Object(expected), Value::Object(written)) => {
            assert_eq!(Vec::from_iter(expected.keys()), Vec::from_iter(written.keys()));
            expected.values().zip(written.values()).for_each(|(one, other)| same_json(one, other));
        }
        (Value::Number(one), Value::Number(other)) if one != other => {
            let [one, other] = [one, other].map(|number| number.as_u64().unwrap());
            let [one, other] = [one, other].map(|number| u8::try_from(number).unwrap());
            assert!(is_clamped(one, other), "{one} and {other}");
        }
        _ => assert_eq!(expected, written),
    }
}

#[test]
fn libolms_pickles_read_and_write() {
    let Some(set) = json("olm/libolm_pickles") else { return };
    let mut count = Count::new("olm/libolm_pickles");
    let key = unhex(text(&set, "pickle_key_hex"));
    for kind in ["account", "inbound_group", "outbound_group", "pk_decryption"] {
        let recorded = &set[kind];
        let plain = opened(recorded, &key);
        let bytes = plain.expose();
        assert_eq!(unhex(text(recorded, "plain_hex")), bytes, "{kind}");
        let id = |id: &[u8; 32]| assert_eq!(text(recorded, "session_id"), base64::encode(id));
        match kind {
            "account" => {
                let account = libolm::account(bytes).unwrap();
                has_keys_of(&account, recorded);
                same_bytes(bytes, &libolm::write_account(&account).unwrap());
            }
            "inbound_group" => {
                let session = libolm::inbound(bytes).unwrap();
                id(session.session_id());
                same_bytes(bytes, &libolm::write_inbound(&session));
            }
            "outbound_group" => {
                let session = libolm::outbound(bytes).unwrap();
                id(session.session_id());
                same_bytes(bytes, &libolm::write_outbound(&session));
            }
            _ => {
                let key = libolm::decryption(bytes).unwrap();
                assert_eq!(text(recorded, "public_key"), base64::encode(key.public().as_bytes()));
                same_bytes(bytes, &libolm::write_decryption(&key));
            }
        }
        count.ran();
    }
    // libolm allows a key of no bytes.
    assert!(libolm::account(opened(&set["empty_key"], b"").expose()).is_ok());
    count.ran();
    count.finish(5);
}

fn has_keys_of(account: &Account, recorded: &Value) {
    let identity = &recorded["identity"];
    assert_eq!(text(identity, "curve25519"), base64::encode(account.identity_key().as_bytes()));
    assert_eq!(text(identity, "ed25519"), base64::encode(account.signing_key().as_bytes()));
    let id = |id: u64| base64::encode(&u32::try_from(id).unwrap().to_be_bytes());
    let keys = account.one_time_keys();
    let unpublished: Vec<_> = keys
        .unpublished()
        .map(|(number, key)| (id(number), base64::encode(key.as_bytes())))
        .collect();
    assert_eq!(pairs(&recorded["unpublished_one_time_keys"]), unpublished);
    let fallback: Vec<_> = keys
        .unpublished_fallback()
        .map(|(number, key)| (id(number), base64::encode(key.as_bytes())))
        .into_iter()
        .collect();
    assert_eq!(pairs(&recorded["fallback"]), fallback);
}

fn pairs(object: &Value) -> Vec<(String, String)> {
    let entries = object.as_object().unwrap().iter();
    entries.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

/// The recorded pickles of accounts and sessions, each with the conversation that it is in.
fn recorded(set: &Value) -> Vec<(&Value, &str, &Value)> {
    let names = [
        "alice_account",
        "bob_account_before",
        "bob_account_after",
        "alice_session_start",
        "bob_session_start",
        "alice_session_end",
        "bob_session_end",
    ];
    let transcripts = set["transcripts"].as_array().unwrap().iter();
    transcripts
        .flat_map(|transcript| names.map(|name| (transcript, name, &transcript[name])))
        .collect()
}

#[test]
fn accounts_of_both_peers_read_and_write() {
    let Some(set) = json("olm/olm_sessions") else { return };
    let mut count = Count::new("olm/olm_sessions accounts");
    let all = recorded(&set);
    let accounts = all.iter().filter(|(_, name, _)| name.contains("account"));
    for (transcript, name, recorded) in accounts.clone() {
        let plain = opened(recorded, &unhex(text(recorded, "pickle_key_hex")));
        let account = match text(recorded, "kind") {
            "libolm" => {
                let account = libolm::account(plain.expose()).unwrap();
                same_bytes(plain.expose(), &libolm::write_account(&account).unwrap());
                account
            }
            _ => {
                let account = vodozemac::account(plain.expose()).unwrap();
                let written = vodozemac::write_account(&account);
                same_json(&numberless(plain.expose()), &numberless(written.expose()));
                account
            }
        };
        let owner = if name.starts_with("alice") { "alice_identity" } else { "bob_identity" };
        let identity = &transcript[owner];
        let key = base64::encode(account.identity_key().as_bytes());
        assert_eq!(text(identity, "curve25519"), key);
        let key = base64::encode(account.signing_key().as_bytes());
        assert_eq!(text(identity, "ed25519"), key);
        // In the form of the other peer, the account is the same.
        let again = libolm::write_account(&account).unwrap();
        let there = vodozemac::account(vodozemac::write_account(&account).expose()).unwrap();
        assert_eq!(again.expose(), libolm::write_account(&there).unwrap().expose());
        count.ran();
    }
    count.finish(accounts.count());
}

/// An account without the numbers of its next keys: here one counter serves both kinds.
fn numberless(plain: &[u8]) -> Value {
    let mut account: Value = serde_json::from_slice(plain).unwrap();
    account["one_time_keys"]["next_key_id"] = Value::Null;
    account["fallback_keys"]["key_id"] = Value::Null;
    account
}

/// A session without what may be left out.
fn bare(plain: &[u8]) -> Value {
    let mut session: Value = serde_json::from_slice(plain).unwrap();
    let remove = |value: &mut Value| {
        let fields = value.as_object_mut().unwrap();
        fields.remove("ratchet_count");
        fields.remove("parent_ratchet_key");
    };
    remove(&mut session["sending_ratchet"]);
    session["receiving_chains"]["inner"].as_array_mut().unwrap().iter_mut().for_each(remove);
    session
}

fn identity_of(transcript: &Value, owner: &str) -> x25519::PublicKey {
    let bytes = unbase64(text(&transcript[owner], "curve25519"));
    x25519::PublicKey::new(bytes.try_into().unwrap())
}

#[test]
fn sessions_of_both_peers_read_and_write() {
    let Some(set) = json("olm/olm_sessions") else { return };
    let mut count = Count::new("olm/olm_sessions sessions");
    let all = recorded(&set);
    let sessions = all.iter().filter(|(_, name, _)| name.contains("session"));
    for (transcript, name, recorded) in sessions.clone() {
        let plain = opened(recorded, &unhex(text(recorded, "pickle_key_hex")));
        let alice = identity_of(transcript, "alice_identity");
        let bob = identity_of(transcript, "bob_identity");
        let identities = if name.starts_with("alice") {
            Identities { ours: alice, theirs: bob }
        } else {
            Identities { ours: bob, theirs: alice }
        };
        let session = if text(recorded, "kind") == "libolm" {
            let session = libolm::session(plain.expose(), &identities).unwrap();
            same_bytes(plain.expose(), &libolm::write_session(&session));
            session
        } else {
            let session = vodozemac::session(plain.expose(), &identities).unwrap();
            let written = vodozemac::write_session(&session);
            same_json(&bare(plain.expose()), &bare(written.expose()));
            session
        };
        assert_eq!(SessionState::of(recorded), state(&session), "{name}");
        is_the_same_at_the_other_peer(&session, &identities);
        count.ran();
    }
    count.finish(sessions.count());
}

/// Through the form of each peer, a session stays what it is.
fn is_the_same_at_the_other_peer(session: &Session, identities: &Identities) {
    let by_libolm = libolm::session(libolm::write_session(session).expose(), identities).unwrap();
    let by_vodozemac =
        vodozemac::session(vodozemac::write_session(session).expose(), identities).unwrap();
    assert_eq!(state(session), state(&by_libolm));
    assert_eq!(state(session), state(&by_vodozemac));
}
