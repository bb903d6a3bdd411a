// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is wrong with a store of Olm's, as the doctor says it (docs/storage.md, "Doctor").

use e2ee_account::examination::{Place, Sending};

use super::*;
use crate::stored::person::{NOW_MS, Person, device, secret};

impl Person {
    fn seen(&mut self, naming: Naming) -> Examination<KeysState> {
        let look = Look::at(&secret(1), &mut self.store).unwrap();
        assert!(is_of_olm(&look, &mut self.store));
        examine(look, &mut self.store, (NOW_MS, naming)).unwrap()
    }

    fn found(&mut self) -> Vec<(&'static str, String)> {
        let findings = self.seen(Naming::Numbered).findings;
        findings.into_iter().map(|each| (each.fault.code(), each.subject)).collect()
    }

    /// Changes the last byte of each record whose name holds `part`.
    fn damage(&mut self, part: &str) {
        let rows = self.store.0.iter_mut().filter(|(name, _)| name.contains(part));
        for (_, (_, sealed)) in rows {
            *sealed.last_mut().unwrap() ^= 1;
        }
    }
}

fn pair() -> (Person, Person) {
    let (mut alice, mut bob) = (Person::new("@alice:example.org", 1), Person::new("@bob:b.org", 2));
    alice.connect(&mut bob);
    let first = alice.encrypt("@bob:b.org", b"first").unwrap();
    assert_eq!(b"first"[..], bob.decrypt(&alice, &first).unwrap());
    (alice, bob)
}

#[test]
fn a_store_that_is_whole_is_shown_as_it_is() {
    let (mut alice, mut bob) = pair();

    let (ours, theirs) = (alice.seen(Naming::Named), bob.seen(Naming::Numbered));

    assert!(ours.findings.is_empty() && theirs.findings.is_empty());
    assert_eq!(
        ("@bob:b.org.JLAFKJWSCS", "peer 1"),
        (&*ours.peers[0].label, &*theirs.peers[0].label)
    );
    let states = [&ours, &theirs].map(|seen| {
        let session = &seen.peers[0].sessions[0];
        let opened = session.opened.as_ref().unwrap();
        (seen.peers[0].sending, session.place, opened.phase, opened.trusted)
    });
    let waiting = Phase::Waiting { seconds: None };
    let expected = [waiting, Phase::Accepted];
    assert_eq!(expected.map(|phase| (Sending::Ready, Place::Current, phase, true)), states);
    let keys = KeysState { one_time: 0, unpublished: 0, fallback: 0 };
    assert_eq!(Some(keys), theirs.stock, "the one-time key was used");
}

#[test]
fn each_damaged_record_is_found() {
    for (part, subject) in [
        ("identity", "identity"),
        ("prekeys", "prekeys"),
        ("index", "root record"),
        ("peer/", "peer 1"),
        ("/chains", "a part of session 1 of peer 1"),
        ("/skipped", "a part of session 1 of peer 1"),
    ] {
        let (mut alice, _) = pair();

        alice.damage(part);

        let found = alice.found();
        assert!(found.contains(&("does-not-open", subject.to_owned())), "{part}: {found:?}");
    }
}

#[test]
fn a_part_that_is_gone_is_found() {
    let (mut alice, _) = pair();

    alice.store.0.retain(|name, _| !name.ends_with("/skipped"));

    assert_eq!([("missing", "a part of session 1 of peer 1".to_owned())][..], alice.found());
}

#[test]
fn a_lost_identity_does_not_hide_the_rest() {
    let (mut alice, _) = pair();

    alice.store.0.remove("identity");

    assert_eq!([("missing", "identity".to_owned())][..], alice.found());
    assert_eq!(Sending::Ready, alice.seen(Naming::Numbered).peers[0].sending);
}

#[test]
fn a_record_of_nobodys_is_found() {
    let (mut alice, _) = pair();
    let index = alice.store.0["index"].clone();

    alice.store.0.insert("group/1".to_owned(), index);

    assert_eq!([("unknown-name", "unknown record 1".to_owned())][..], alice.found());
}

#[test]
fn a_peer_without_a_session_and_one_that_was_put_back_are_found() {
    let (mut alice, mut bob) = pair();
    let older = alice.store.clone();
    alice.step(|account, inside| account.forget(("@bob:b.org", &device()), inside)).unwrap();
    alice.connect(&mut bob);
    let peer = older.0["peer/@bob:b.org/JLAFKJWSCS"].clone();

    alice.store.0.insert("peer/@bob:b.org/JLAFKJWSCS".to_owned(), peer);

    let codes: Vec<_> = alice.found().into_iter().map(|(code, _)| code).collect();
    assert!(codes.contains(&"members") && codes.contains(&"orphan"), "{codes:?}");
}

#[test]
fn after_a_store_was_healed_its_sessions_are_retired() {
    let (mut alice, _) = pair();

    alice.step(super::super::StoredAccount::heal).unwrap();

    assert_eq!([("no-session", "peer 1".to_owned())][..], alice.found());
    let seen = alice.seen(Naming::Numbered);
    assert_eq!(Place::Retired, seen.peers[0].sessions[0].place);
}
