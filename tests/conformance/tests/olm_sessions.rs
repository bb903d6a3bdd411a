// SPDX-License-Identifier: MIT OR Apache-2.0
//! Replays recorded conversations of libolm and vodozemac: what they sent is made again byte for
//! byte, what they received is opened, and what they kept is what we keep (olm_megolm.md §1).

use std::collections::HashMap;

use e2ee_conformance::{
    Count, ScriptedRandom,
    fields::{array, text},
    json,
    olm::{account, decrypt, initiator, state, typed, unbase64},
    olm_pickle::{AccountState, Key, SessionState, clamped},
};
use e2ee_olm::{
    NormalMessage, PreKeyMessage, Session, limits::MAX_RECEIVING_CHAINS, session::envelope_budget,
};
use e2ee_primitives::{base64, ed25519, x25519};
use e2ee_wire::Error;
use serde_json::Value;

const SET: &str = "olm/olm_sessions";
const TRANSCRIPTS: &str = "olm/olm-libolm-transcripts";
/// Seeds of late messages that the peers keep, in a session or in a chain.
const PEERS_KEEP: usize = 40;

/// Fails unless we keep what the peer keeps, and of late messages those too that it has forgotten.
fn assert_same(recorded: &SessionState, ours: &Session, place: &str) {
    let mut ours = state(ours);
    let kept = ours.skipped.len();
    ours.skipped.retain(|(ratchet_key, index), _| {
        let mut newer = recorded.skipped.range((*ratchet_key, 0)..);
        recorded.skipped.contains_key(&(*ratchet_key, *index))
            || newer.any(|((key, at), _)| key == ratchet_key && at < index)
    });
    assert!(ours.skipped.len() == kept || kept > PEERS_KEEP, "{place}");
    assert!(*recorded == ours, "{place}");
}

/// Encrypts again what was encrypted, with the recorded ratchet key if a new one is due.
fn encrypt_again(session: &mut Session, plaintext: &[u8], private: &Key) -> (u64, Vec<u8>) {
    let mut random = match session.positions().sent {
        None => ScriptedRandom::new(&[private]),
        Some(_) => ScriptedRandom::default(),
    };
    let message = typed(session.encrypt(plaintext, &mut random).unwrap());
    random.finish();
    message
}

fn key(text: &str) -> Key {
    base64::decode_key(text).unwrap()
}

/// Accepts a recorded first message, and says what remains of the one-time keys.
fn accept(pickled: &AccountState, message: &[u8]) -> (Session, Vec<u8>, [bool; 2]) {
    let mut ours = account(pickled);
    let message = PreKeyMessage::decode(message).unwrap();
    let used = message.keys.one_time_key;
    let before = ours.one_time_keys().find(&used).is_some();
    let stranger = x25519::PublicKey::new([9; 32]);
    let budget = &mut envelope_budget();
    let refused = ours.accept(Some(&stranger), &message, budget).map(|_| ());
    assert_eq!(Err(Error::Forged), refused);
    let identity = message.keys.identity_key;
    let (session, plaintext) = ours.accept(Some(&identity), &message, budget).unwrap();
    let after = ours.one_time_keys().find(&used).is_some();
    (session, plaintext.expose().to_vec(), [before, after])
}

fn replay_conversation(vector: &Value, count: &mut Count, states: &mut Count) {
    let bob_identity = key(text(&vector["bob_identity"], "curve25519"));
    let alice_start = SessionState::of(&vector["alice_session_start"]);
    let mut sessions = HashMap::from([("alice", initiator(&alice_start, &bob_identity))]);
    assert_same(&alice_start, &sessions["alice"], "alice's start");
    states.ran();
    let fallback = text(vector, "key_kind") == "fallback";
    for step in vector["steps"].as_array().unwrap() {
        let (by, kind) = (text(step, "by"), step["type"].as_u64().unwrap());
        let (message, plaintext) =
            (unbase64(text(step, "ciphertext")), text(step, "plaintext").as_bytes().to_vec());
        match text(step, "op") {
            "encrypt" => {
                let private = array(step, "ratchet_private");
                let session = sessions.get_mut(by).unwrap();
                assert_eq!((kind, message), encrypt_again(session, &plaintext, &private));
                let sending = state(session).sending.map(|sending| sending.private);
                assert_eq!(Some(clamped(private)), sending);
            }
            "create_inbound" => {
                let before = AccountState::of(&vector["bob_account_before"]);
                let (session, opened, held) = accept(&before, &message);
                assert_eq!((plaintext, [true, fallback]), (opened, held));
                assert_same(&SessionState::of(&vector["bob_session_start"]), &session, "bob's");
                states.ran();
                sessions.insert("bob", session);
            }
            "decrypt" => {
                let session = sessions.get_mut(by).unwrap();
                let first = PreKeyMessage::decode(&message);
                assert_eq!(kind == 0, first.is_ok_and(|first| session.matches(&first)));
                assert_eq!(Ok(plaintext), decrypt(session, kind, &message));
                // The messages of both peers differ in their errors; ours is one.
                assert_eq!(Err(Error::Duplicate), decrypt(session, kind, &message));
            }
            other => panic!("unknown step {other}"),
        }
        count.ran();
    }
    for name in ["alice", "bob"] {
        let recorded = SessionState::of(&vector[format!("{name}_session_end")]);
        assert_same(&recorded, &sessions[name], name);
        assert_eq!(key(text(vector, "session_id")), sessions[name].session_id());
        states.ran();
    }
    assert_one_time_keys_after(vector);
    states.ran();
    late_messages_and_a_bad_tag(vector, sessions.get_mut("bob").unwrap());
    states.ran();
}

/// The used key is gone from the peer's account as from ours, unless it is a fallback key.
fn assert_one_time_keys_after(vector: &Value) {
    let [before, after] =
        ["bob_account_before", "bob_account_after"].map(|name| AccountState::of(&vector[name]));
    let used = key(text(vector, "one_time_key"));
    let public = |private: &Key| *x25519::PrivateKey::from_bytes(private).public().as_bytes();
    let remaining = |account: &AccountState| -> Vec<Key> {
        account.one_time.iter().map(|(.., private)| public(private)).collect()
    };
    let expected: Vec<_> = remaining(&before).into_iter().filter(|key| *key != used).collect();
    assert_eq!(expected, remaining(&after));
    let fallback = |account: &AccountState| -> Vec<Key> {
        account.fallback.iter().map(|(.., private)| public(private)).collect()
    };
    assert_eq!(fallback(&before), fallback(&after));
    let ours = account(&before);
    let identity = &vector["bob_identity"];
    assert_eq!(&key(text(identity, "curve25519")), ours.identity_key().as_bytes());
    assert_eq!(&key(text(identity, "ed25519")), ours.signing_key().as_bytes());
    let signature = ours.sign(b"device keys");
    assert_eq!(Ok(()), ed25519::verify(ours.signing_key(), b"device keys", &signature));
}

/// The peers have forgotten index 3 behind 44 skipped ones; we open it, and no altered one.
fn late_messages_and_a_bad_tag(vector: &Value, bob: &mut Session) {
    let late = unbase64(text(&vector["burst_message_3_after_44_skipped"], "ciphertext"));
    let place = NormalMessage::decode(&late).unwrap().header;
    assert_eq!(3, place.index);
    let sent = vector["steps"].as_array().unwrap().iter();
    let sent = sent.filter(|step| text(step, "op") == "encrypt");
    let plaintext = sent
        .clone()
        .find(|step| unbase64(text(step, "ciphertext")) == late)
        .map(|step| text(step, "plaintext").as_bytes().to_vec())
        .unwrap();
    let mut forged = late.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(Err(Error::Forged), decrypt(bob, 1, &forged));
    assert_eq!(Ok(plaintext), decrypt(bob, 1, &late));
    // Each message of this burst opened once, by now or here.
    let mut opened = 0;
    for step in sent {
        let message = unbase64(text(step, "ciphertext"));
        let header = NormalMessage::decode(&message).map(|message| message.header);
        if !header.is_ok_and(|header| header.ratchet_key == place.ratchet_key) {
            continue;
        }
        match decrypt(bob, 1, &message) {
            Ok(plaintext) => {
                assert_eq!(text(step, "plaintext").as_bytes(), plaintext);
                opened += 1;
            }
            Err(error) => assert_eq!(Error::Duplicate, error),
        }
        assert_eq!(Err(Error::Duplicate), decrypt(bob, 1, &message));
    }
    assert!(opened > PEERS_KEEP);
    assert_eq!(0, bob.skipped_len());
}

#[test]
fn four_conversations_of_both_peers_are_ours() {
    let Some(vector) = json(SET) else { return };
    let conversations = vector["transcripts"].as_array().unwrap();
    let mut count = Count::new(SET);
    let mut states = Count::new("olm/olm_sessions, states and ends");
    let mut steps = 0;
    for conversation in conversations {
        replay_conversation(conversation, &mut count, &mut states);
        steps += conversation["steps"].as_array().unwrap().len();
    }
    count.finish(steps);
    states.finish(6 * conversations.len());
}

/// A recorded conversation of libolm with itself: the steps in the order of receipt.
struct Transcript<'a> {
    vector: &'a Value,
    sessions: HashMap<&'a str, Session>,
}

impl<'a> Transcript<'a> {
    fn new(vector: &'a Value) -> Self {
        let first = unbase64(text(&vector["steps"][0], "body"));
        let initial = text(&vector["alice_session_initial"], "pickle_plain_hex");
        let start = SessionState::libolm(initial);
        let identity = text(&vector["bob_account_before"]["identity_keys"], "curve25519");
        let alice = initiator(&start, &key(identity));
        assert_same(&start, &alice, "alice's start");
        let before = text(&vector["bob_account_before"], "pickle_plain_hex");
        let (bob, _, held) = accept(&AccountState::libolm(before), &first);
        assert_eq!([true, false], held);
        Self { vector, sessions: HashMap::from([("alice", alice), ("bob", bob)]) }
    }

    fn steps(&self) -> &'a [Value] {
        self.vector["steps"].as_array().unwrap()
    }

    /// The private key of a ratchet key, from whatever session was recorded with it.
    fn private(&self, ratchet_key: &x25519::PublicKey) -> Option<Key> {
        let snapshots = self.vector["snapshots"].as_array().unwrap().iter();
        let plain = snapshots.filter_map(|snapshot| {
            let names = ["alice_session_pickle_plain_hex", "bob_session_pickle_plain_hex"];
            names.into_iter().find_map(|name| snapshot[name].as_str())
        });
        plain
            .filter_map(|plain| SessionState::libolm(plain).sending)
            .map(|sending| sending.private)
            .find(|private| x25519::PrivateKey::from_bytes(private).public() == ratchet_key)
    }

    /// Encrypts one sender's messages again, in the order of their indices; those whose ratchet
    /// key was not recorded are said.
    fn encrypt_run(&mut self, run: &[Value], count: &mut Count) {
        let inner = |step: &Value| {
            let bytes = unbase64(text(step, "body"));
            match step["type"].as_u64() {
                Some(0) => PreKeyMessage::decode(&bytes).unwrap().message.header,
                _ => NormalMessage::decode(&bytes).unwrap().header,
            }
        };
        let mut sent: Vec<_> = run.iter().collect();
        sent.sort_by_key(|step| inner(step).index);
        let from = text(&run[0], "from");
        let session = &self.sessions[from];
        let known = session.positions().sent.is_some();
        let private = self.private(&inner(&run[0]).ratchet_key);
        if !known && private.is_none() {
            run.iter().for_each(|_| count.not_applicable("the ratchet key was not recorded"));
            return;
        }
        let session = self.sessions.get_mut(from).unwrap();
        for step in sent {
            let expected = (step["type"].as_u64().unwrap(), unbase64(text(step, "body")));
            let plaintext = text(step, "plaintext").as_bytes();
            assert_eq!(expected, encrypt_again(session, plaintext, &private.unwrap_or_default()));
            count.ran();
        }
    }

    fn decrypt_run(&mut self, run: &[Value], count: &mut Count) {
        let from = text(&run[0], "from");
        let to = if from == "alice" { "bob" } else { "alice" };
        let session = self.sessions.get_mut(to).unwrap();
        for step in run {
            let (kind, message) = (step["type"].as_u64().unwrap(), unbase64(text(step, "body")));
            let opened = decrypt(session, kind, &message);
            // The first message was opened when the session was made.
            if message == unbase64(text(&self.vector["steps"][0], "body")) {
                assert_eq!(Err(Error::Duplicate), opened);
            } else {
                assert_eq!(Ok(text(step, "plaintext").as_bytes().to_vec()), opened);
            }
            count.ran();
        }
    }

    /// Compares the receiver with the session that was recorded before this step.
    fn compare(&self, next_step: usize, count: &mut Count) {
        for snapshot in self.vector["snapshots"].as_array().unwrap() {
            if snapshot["next_step"] == next_step {
                let (receiver, _) = text(snapshot, "before").split_once(' ').unwrap();
                let plain = text(snapshot, &format!("{receiver}_session_pickle_plain_hex"));
                assert_same(&SessionState::libolm(plain), &self.sessions[receiver], receiver);
                count.ran();
            }
        }
    }
}

#[test]
fn six_conversations_of_libolm_are_ours() {
    let Some(vector) = json(TRANSCRIPTS) else { return };
    let conversations = vector["olm"].as_array().unwrap();
    let [mut sent, mut opened, mut states] =
        ["sent", "opened", "states"].map(|part| Count::new(&format!("{TRANSCRIPTS}, {part}")));
    let mut total = [0, 0];
    for conversation in conversations {
        let mut transcript = Transcript::new(conversation);
        let steps = transcript.steps();
        let mut next_step = 0;
        for run in steps.chunk_by(|one, next| one["from"] == next["from"]) {
            transcript.encrypt_run(run, &mut sent);
            transcript.compare(next_step, &mut states);
            transcript.decrypt_run(run, &mut opened);
            next_step += run.len();
        }
        let ends = transcript.sessions["bob"].positions().receiving_chains;
        assert_eq!(MAX_RECEIVING_CHAINS, ends);
        total[0] += steps.len();
        total[1] += conversation["snapshots"].as_array().unwrap().len();
    }
    sent.finish(total[0]);
    opened.finish(total[0]);
    states.finish(total[1]);
}
