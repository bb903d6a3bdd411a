// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accounts over a store in memory: what is said survives each step, and what was set back is found.

use std::collections::BTreeMap;

use e2ee_account::Exchange;
use e2ee_primitives::Secret;
use e2ee_state::{Anchor, Change, Stored};

use super::*;
use crate::{
    limits::MAX_ARCHIVED_SESSIONS, people::Counter, session::Ciphertext, standalone::Received,
};

const NOW_MS: u64 = 1_800_000_000_000;

/// A store in memory: revisions and sealed bytes by name; and its anchor, if it has one.
#[derive(Clone, Default)]
struct Store(BTreeMap<String, (u64, Vec<u8>)>, Option<Outside>);

/// An anchor.
#[derive(Clone, Default)]
struct Outside(Option<Vec<u8>>);

impl Anchor for Outside {
    fn read(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.clone())
    }

    fn advance(&mut self, old: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        let holds = self.0.as_deref() == old;
        if holds {
            self.0 = Some(new.to_vec());
        }
        Ok(holds)
    }
}

impl Store {
    fn apply(&mut self, writes: Vec<Write>) {
        for Write { name, base, change } in writes {
            assert_eq!(base, self.0.get(&name).map_or(0, |(revision, _)| *revision), "{name}");
            match change {
                Change::Put { revision, sealed } => _ = self.0.insert(name, (revision, sealed)),
                Change::Delete => _ = self.0.remove(&name),
            }
        }
    }
}

impl Records for Store {
    fn get(&mut self, name: &str) -> Result<Option<Stored>, StoreError> {
        let row = self.0.get(name);
        Ok(row.map(|(revision, sealed)| Stored { revision: *revision, sealed: sealed.clone() }))
    }

    fn list(&mut self, prefix: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = self.0.iter().filter(|(name, _)| name.starts_with(prefix));
        Ok(rows.map(|(name, (revision, _))| (name.clone(), *revision)).collect())
    }

    fn anchor(&mut self) -> Option<&mut dyn Anchor> {
        match &mut self.1 {
            Some(outside) => Some(outside),
            None => None,
        }
    }
}

/// An account with its store.
struct Person {
    account: StoredAccount,
    store: Store,
    random: Counter,
}

fn secret(byte: u8) -> StoreSecret {
    StoreSecret::Key(Secret::new([byte; 32]))
}

fn device() -> DeviceId {
    DeviceId::new("JLAFKJWSCS").unwrap()
}

impl Person {
    fn new(name: &str, number: u64) -> Self {
        let (mut store, mut random) = (Store::default(), Counter(number << 32));
        let mut inside = Environment { records: &mut store, random: &mut random, now_ms: NOW_MS };
        let made = StoredAccount::create(&secret(1), name, device(), &mut inside).unwrap();
        store.apply(made.writes);
        Self { account: made.result, store, random }
    }

    /// Makes a step whose commit succeeds.
    fn step<T>(
        &mut self,
        work: impl FnOnce(&mut StoredAccount, &mut Environment<'_>) -> Result<Step<Outcome<T>>, Failure>,
    ) -> Result<T, Failure> {
        let Self { account, store, random } = self;
        let mut inside = Environment { records: store, random, now_ms: NOW_MS };
        let Step { writes, result } = work(account, &mut inside)?;
        store.apply(writes);
        let confirmation = result.confirm(store.anchor())?;
        Ok(account.vault().committed(result, &confirmation))
    }

    /// Forgets what the process knows, and opens the store again.
    fn reopen(&mut self, key: u8) {
        self.account = StoredAccount::open(&secret(key), &mut self.store).unwrap();
    }

    fn connect(&mut self, peer: &mut Self) {
        let keys = peer.step(|account, inside| account.generate_keys(1, false, inside)).unwrap();
        let (_, one_time_key) = *keys.one_time.last().unwrap();
        let (user, identity) = (peer.account.user().0.to_owned(), *peer.account.identity_key());
        let whom = (user.as_str(), &device());
        self.step(|account, inside| account.connect(whom, &identity, &one_time_key, inside))
            .unwrap();
    }

    fn encrypt(&mut self, user: &str, text: &[u8]) -> Result<Ciphertext, Failure> {
        self.step(|account, inside| account.encrypt((user, &device()), text, inside))
    }

    fn exchange(&mut self, user: &str, text: &[u8]) -> Option<Ciphertext> {
        let Self { account, random, store } = self;
        let made = account.encrypt_at_rest((user, &device()), text, (NOW_MS, random));
        let (Exchange { name, before, after, .. }, outcome) = made?;
        assert_eq!(Some(&(before.revision, before.sealed)), store.0.get(&name));
        store.0.insert(name, (after.revision, after.sealed));
        let confirmation = outcome.confirm(None).unwrap();
        Some(account.vault().committed(outcome, &confirmation))
    }

    fn decrypt(&mut self, from: &Self, message: &Ciphertext) -> Result<Vec<u8>, Failure> {
        let (device, message) = (device(), received(message));
        let (user, identity_key) = (from.account.user().0, from.account.identity_key());
        let incoming = Incoming { user, device: &device, identity_key, message };
        self.step(|account, inside| account.decrypt(incoming, inside))
            .map(|opened| opened.0.expose().to_vec())
    }

    fn receive(&mut self, from: &Self, message: &Ciphertext) -> Result<Delivery, Failure> {
        let (device, message) = (device(), received(message));
        let (user, identity_key) = (from.account.user().0, from.account.identity_key());
        let incoming = Incoming { user, device: &device, identity_key, message };
        self.step(|account, inside| account.receive(incoming, inside))
    }

    fn handled(&mut self, id: &str) -> bool {
        self.step(|account, inside| account.vault().handled(id, inside)).unwrap()
    }
}

fn received(message: &Ciphertext) -> Received<'_> {
    match message {
        Ciphertext::PreKey(bytes) => Received::PreKey(bytes),
        Ciphertext::Normal(bytes) => Received::Normal(bytes),
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
fn a_conversation_goes_on_after_each_restart() {
    let (mut alice, mut bob) = pair();

    for round in 0..20_u8 {
        let there = alice.encrypt("@bob:b.org", &[round]).unwrap();
        assert_eq!([round][..], bob.decrypt(&alice, &there).unwrap());
        bob.reopen(1);
        let late = bob.encrypt("@alice:example.org", b"late").unwrap();
        let back = bob.encrypt("@alice:example.org", &[round, 1]).unwrap();
        alice.reopen(1);
        assert_eq!([round, 1][..], alice.decrypt(&bob, &back).unwrap());
        alice.reopen(1);
        assert_eq!(b"late"[..], alice.decrypt(&bob, &late).unwrap());
    }
}

#[test]
fn a_message_waits_until_it_is_handled_and_is_known_again() {
    let (mut alice, mut bob) = (Person::new("@alice:example.org", 1), Person::new("@bob:b.org", 2));
    alice.connect(&mut bob);
    let first = alice.encrypt("@bob:b.org", b"text").unwrap();

    let Ok(Delivery::New(entry)) = bob.receive(&alice, &first) else { panic!() };
    assert!(
        matches!(bob.receive(&alice, &first), Ok(Delivery::Waiting(same)) if same.id == entry.id)
    );
    bob.reopen(1);
    let waiting = bob.account.vault().inbox(&mut bob.store).unwrap();
    assert_eq!(b"text", waiting[0].plaintext.expose());
    assert!(bob.handled(&entry.id));
    assert!(matches!(bob.receive(&alice, &first), Ok(Delivery::Handled)));
    assert_eq!(Some(Failure::Protocol(Error::Duplicate)), bob.decrypt(&alice, &first).err());
}

#[test]
fn a_one_time_key_starts_one_session() {
    let (mut alice, mut bob) = (Person::new("@alice:example.org", 1), Person::new("@bob:b.org", 2));
    let mut carol = Person::new("@carol:example.org", 3);
    let keys = bob.step(|account, inside| account.generate_keys(1, false, inside)).unwrap();
    let (_, key) = keys.one_time[0];
    let identity = *bob.account.identity_key();
    let whom = ("@bob:b.org", &device());
    for person in [&mut alice, &mut carol] {
        person.step(|account, inside| account.connect(whom, &identity, &key, inside)).unwrap();
    }
    let first = alice.encrypt("@bob:b.org", b"first").unwrap();
    let second = carol.encrypt("@bob:b.org", b"second").unwrap();

    assert!(bob.decrypt(&alice, &first).is_ok());
    let refused = bob.decrypt(&carol, &second).err();

    assert_eq!(Some(Failure::Protocol(Error::UnknownPreKey)), refused);
}

#[test]
fn a_forgotten_session_under_a_fallback_key_does_not_begin_again() {
    let (mut alice, mut bob) = (Person::new("@alice:example.org", 1), Person::new("@bob:b.org", 2));
    let keys = bob.step(|account, inside| account.generate_keys(0, true, inside)).unwrap();
    let (identity, (_, key)) = (*bob.account.identity_key(), keys.fallback.unwrap());
    let whom = ("@bob:b.org", &device());
    let mut firsts = Vec::new();
    for _ in 0..=MAX_ARCHIVED_SESSIONS + 1 {
        alice.step(|account, inside| account.connect(whom, &identity, &key, inside)).unwrap();
        let first = alice.encrypt("@bob:b.org", b"first").unwrap();
        let Ok(Delivery::New(entry)) = bob.receive(&alice, &first) else { panic!() };
        assert!(bob.handled(&entry.id));
        firsts.push(first);
    }

    for first in &firsts {
        assert!(matches!(bob.receive(&alice, first), Ok(Delivery::Handled)));
    }
    let peer = names::peer("@alice:example.org", &device());
    let sessions = bob.account.vault().read_peer(&mut bob.store, &peer).unwrap().unwrap().1;
    assert_eq!(MAX_ARCHIVED_SESSIONS, sessions.archived.len());
    let heads = bob.store.0.keys().filter(|name| names::is_session_head(name));
    assert_eq!(MAX_ARCHIVED_SESSIONS + 1, heads.count());
}

#[test]
fn what_is_sent_at_rest_is_what_would_be_read() {
    let (mut alice, mut bob) = pair();
    let answer = bob.encrypt("@alice:example.org", b"answer").unwrap();
    alice.decrypt(&bob, &answer).unwrap();
    assert!(alice.exchange("@bob:b.org", b"turns").is_none(), "the first one makes a ratchet key");
    let mut sent = vec![alice.encrypt("@bob:b.org", b"text").unwrap()];

    for _ in 0..3 {
        sent.push(alice.exchange("@bob:b.org", b"text").unwrap());
        alice.reopen(1);
        sent.push(alice.encrypt("@bob:b.org", b"text").unwrap());
    }

    for message in sent.iter().rev() {
        assert_eq!(b"text"[..], bob.decrypt(&alice, message).unwrap());
    }
}

#[test]
fn a_store_that_was_set_back_is_found() {
    let (mut alice, _) = pair();
    let older = alice.store.clone();
    alice.encrypt("@bob:b.org", b"text").unwrap();
    alice.store = older;

    let refused = alice.encrypt("@bob:b.org", b"text").err();

    assert_eq!(Some(Failure::Store(StoreError::Rollback)), refused);
}

#[test]
fn another_identity_of_a_known_device_is_refused() {
    let (mut alice, _) = pair();
    let mut stranger = Person::new("@bob:b.org", 9);
    let keys = stranger.step(|account, inside| account.generate_keys(1, true, inside)).unwrap();
    let (identity, (_, key)) = (*stranger.account.identity_key(), keys.fallback.unwrap());
    let whom = ("@bob:b.org", &device());

    let refused =
        alice.step(|account, inside| account.connect(whom, &identity, &key, inside)).err();

    assert_eq!(Some(Failure::Protocol(Error::UntrustedIdentity)), refused);
}

#[test]
fn a_conversation_goes_on_under_another_key_of_the_store() {
    let (mut alice, mut bob) = pair();
    let Person { account, store, random } = &mut alice;
    let mut inside = Environment { records: store, random, now_ms: NOW_MS };
    let mut change = account.vault().rekey(&secret(2), &mut inside).unwrap();
    loop {
        let mut inside = Environment { records: store, random, now_ms: NOW_MS };
        let writes = account.rekey_next(&mut change, &mut inside).unwrap();
        if writes.is_empty() {
            break;
        }
        store.apply(writes);
    }
    account.vault().rekeyed(&change);

    let text = alice.encrypt("@bob:b.org", b"text").unwrap();
    assert_eq!(b"text"[..], bob.decrypt(&alice, &text).unwrap());
    alice.reopen(2);
    let text = alice.encrypt("@bob:b.org", b"more").unwrap();
    assert_eq!(b"more"[..], bob.decrypt(&alice, &text).unwrap());
}

#[test]
fn a_device_that_is_forgotten_leaves_nothing() {
    let (mut alice, bob) = pair();
    let [known] = &alice.account.contacts(&mut alice.store).unwrap()[..] else { panic!() };
    assert_eq!(("@bob:b.org", &device(), 1), (&*known.user, &known.device, known.sessions));
    assert_eq!(bob.account.identity_key(), &known.identity_key);

    alice.step(|account, inside| account.forget(("@bob:b.org", &device()), inside)).unwrap();

    assert!(alice.account.contacts(&mut alice.store).unwrap().is_empty());
    let names: Vec<&str> = alice.store.0.keys().map(String::as_str).collect();
    assert_eq!(["identity", "index", "prekeys", "store"][..], names);
    let refused = alice.encrypt("@bob:b.org", b"text").err();
    assert_eq!(Some(Failure::Protocol(Error::NoSession)), refused);
}

#[test]
fn a_store_that_was_set_back_sends_nothing_until_it_is_healed() {
    let (mut alice, mut bob) = pair();
    alice.store.1 = Some(Outside::default());
    alice.step(|account, inside| account.vault().tie(inside)).unwrap();
    alice.encrypt("@bob:b.org", b"before").unwrap();
    let older = alice.store.0.clone();
    alice.encrypt("@bob:b.org", b"lost").unwrap();
    let text = (&b"waits"[..], None);
    alice.store.0 = older;
    alice.reopen(1);

    let refused = alice.encrypt("@bob:b.org", b"again").err();
    assert_eq!(Some(Failure::Store(StoreError::OffAnchor)), refused);
    let late = bob.encrypt("@alice:example.org", b"late").unwrap();
    assert_eq!(b"late"[..], alice.decrypt(&bob, &late).unwrap());
    let healed = alice.step(StoredAccount::heal).unwrap();
    assert_eq!([("@bob:b.org".to_owned(), device())][..], healed.peers);
    let refused = alice.encrypt("@bob:b.org", b"again").err();
    assert_eq!(Some(Failure::Protocol(Error::NoSession)), refused);
    let late = bob.encrypt("@alice:example.org", b"later").unwrap();
    alice.reopen(1);
    assert_eq!(b"later"[..], alice.decrypt(&bob, &late).unwrap());
    assert!(alice.encrypt("@bob:b.org", b"again").is_err(), "a retired session never sends");
    alice.connect(&mut bob);
    let whom = ("@bob:b.org", &device());
    let id = alice.step(|account, inside| account.queue(whom, text, inside)).unwrap();
    let waiting = alice.account.vault().outbox(Some(whom), 10, &mut alice.store).unwrap();
    assert_eq!([(&id, 0)][..], [(&waiting[0].id, waiting[0].envelope[0])]);
    let message = Ciphertext::PreKey(waiting[0].envelope[1..].to_vec());
    assert_eq!(b"waits"[..], bob.decrypt(&alice, &message).unwrap());
}

#[test]
fn healing_destroys_what_others_may_have_begun_with() {
    let mut bob = Person::new("@bob:b.org", 2);
    let before = bob.step(|account, inside| account.generate_keys(3, true, inside)).unwrap();

    bob.step(StoredAccount::heal).unwrap();
    let after = bob.step(|account, inside| account.generate_keys(1, false, inside)).unwrap();

    let first = |numbered: &Numbered| numbered.0;
    assert_eq!(vec![1, 2, 3], before.one_time.iter().map(first).collect::<Vec<_>>());
    assert_eq!(vec![65_542], after.one_time.iter().map(first).collect::<Vec<_>>());
    assert_eq!(Some(65_541), after.fallback.as_ref().map(first));
}

#[test]
fn names_of_devices_are_read_back_or_refused() {
    for bad in ["", "a/b", "a\nb", &"x".repeat(256)] {
        assert_eq!(Err(Error::InvalidArgument), DeviceId::new(bad));
    }
    let name = names::peer("@bob:b.org", &device());
    assert_eq!(Ok(("@bob:b.org", device())), names::peer_of(&name));
}
