// SPDX-License-Identifier: MIT OR Apache-2.0
//! What time does to a store, as the doctor says it (docs/storage.md, "Doctor").

use e2ee_account::examination::Sending;

use super::*;
use crate::account::{
    Incoming,
    person::{NOW_MS, Person, Store, device, secret},
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

impl Store {
    fn seen(&mut self, now_ms: u64, naming: Naming) -> Examination<StockState> {
        let look = Look::at(&secret(), self).unwrap();
        examine(look, self, (now_ms, naming)).unwrap()
    }
}

impl Person {
    /// The codes of what the doctor finds after so many days.
    fn found(&mut self, days: u64) -> Vec<&'static str> {
        let now_ms = NOW_MS + days * DAY_MS;
        let seen = self.store.seen(now_ms, Naming::Numbered);
        seen.findings.iter().map(|finding| finding.fault.code()).collect()
    }
}

#[test]
fn a_session_that_is_not_answered_is_stuck_after_thirty_days() {
    let (mut alice, mut bob) = (Person::new("alice", 1), Person::new("bob", 2));
    _ = alice.envelope_to(&mut bob);

    assert!(alice.found(30).is_empty());
    assert!(alice.found(31).contains(&"unanswered"));
}

#[test]
fn old_prekeys_are_found() {
    let mut alice = Person::new("alice", 1);

    assert!(alice.found(30).is_empty());
    assert_eq!(["signed-prekey-old", "last-resort-old"], *alice.found(31));
}

#[test]
fn messages_that_wait_for_long_are_found() {
    let (mut alice, mut bob) = (Person::new("alice", 1), Person::new("bob", 2));
    let envelope = bob.envelope_to(&mut alice);
    let incoming = Incoming { user: "bob", device: device(), envelope: &envelope };
    _ = alice.step(|account, inside| account.receive(incoming, inside)).unwrap();

    assert!(alice.found(7).is_empty());
    assert_eq!(["inbox-waits"], *alice.found(8));
}

#[test]
fn a_lost_identity_does_not_hide_the_rest() {
    let (mut alice, mut bob) = (Person::new("alice", 1), Person::new("bob", 2));
    _ = alice.envelope_to(&mut bob);
    alice.store.0.remove("identity");

    assert_eq!(["missing"], *alice.found(0));
    let seen = alice.store.seen(NOW_MS, Naming::Named);
    assert_eq!("bob.1", seen.peers[0].label);
    assert_eq!(Sending::Ready, seen.peers[0].sending);
}

#[test]
fn labels_name_nobody_unless_asked_to() {
    let (mut alice, mut bob) = (Person::new("alice", 1), Person::new("bob", 2));
    _ = alice.envelope_to(&mut bob);
    for (_, sealed) in alice.store.0.values_mut() {
        if let Some(last) = sealed.last_mut() {
            *last ^= 1;
        }
    }
    let record = alice.store.0.get_mut("store").unwrap();
    *record.1.last_mut().unwrap() ^= 1;

    let seen = |naming, store: &mut Store| {
        let seen = store.seen(NOW_MS, naming);
        seen.findings.into_iter().map(|finding| finding.subject).collect::<Vec<_>>().join("\n")
    };

    assert!(!seen(Naming::Numbered, &mut alice.store).contains("bob"));
    assert!(seen(Naming::Named, &mut alice.store).contains("peer/bob/1"));
}
