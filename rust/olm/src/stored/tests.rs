// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accounts over a store in memory: what is said survives each step, and what was set back is found.

use e2ee_account::batch::Refused;
use e2ee_primitives::random::Random;
use e2ee_state::{StoreError, Workers};

use super::{
    person::{NOW_MS, Outside, Person, device, secret},
    *,
};
use crate::{limits::MAX_ARCHIVED_SESSIONS, people::Counter};

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
    assert_eq!([(&id, &[32, 3][..])][..], [(&waiting[0].id, &waiting[0].envelope[..2])]);
    assert_eq!(b"waits"[..], bob.decrypt(&alice, &waiting[0].envelope).unwrap());
}

/// One after the other, with randomness of its own.
struct Alone;

impl Workers for Alone {
    fn map<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        _: impl Fn(&T) -> usize,
        work: impl Fn(T, &mut dyn Random) -> R + Sync,
    ) -> Vec<R> {
        let random = &mut Counter(9 << 40);
        items.into_iter().map(|item| work(item, random)).collect()
    }
}

#[test]
fn a_batch_is_sent_as_a_whole_or_not_at_all() {
    let (mut alice, mut bob) = pair();
    let mut carol = Person::new("@carol:example.org", 3);
    alice.connect(&mut carol);
    let device = device();
    let [to_bob, to_carol] = ["@bob:b.org", "@carol:example.org"].map(|user| (user, &device));
    let messages = [(to_bob, &b"0"[..]), (to_carol, &b"1"[..]), (to_bob, &b"2"[..])];

    let Person { account, store, random } = &mut alice;
    let mut inside = Environment { records: store, random, now_ms: NOW_MS };
    let stranger = ("@dave:example.org", &device);
    let refused = account.encrypt_many(&[messages[0], (stranger, b"")], &Alone, &mut inside);
    let Step { writes, result } = account.encrypt_many(&messages, &Alone, &mut inside).unwrap();
    store.apply(writes);
    let confirmation = result.confirm(None).unwrap();
    let sent = account.vault().committed(result, &confirmation);

    let failure = Failure::Protocol(Error::NoSession);
    assert_eq!(Some(Refused { place: 1, failure }), refused.err());
    assert_eq!(b"2"[..], bob.decrypt(&alice, &sent[2]).unwrap());
    assert_eq!(b"0"[..], bob.decrypt(&alice, &sent[0]).unwrap());
    assert_eq!(b"1"[..], carol.decrypt(&alice, &sent[1]).unwrap());
    let sent = alice.encrypt("@bob:b.org", b"3").unwrap();
    assert_eq!(b"3"[..], bob.decrypt(&alice, &sent).unwrap());
}

#[test]
fn a_batch_is_received_in_one_step_each_message_by_itself() {
    let (mut alice, mut bob) = pair();
    let mut carol = Person::new("@carol:example.org", 3);
    carol.connect(&mut bob);
    let sent = ["0", "1"].map(|text| alice.encrypt("@bob:b.org", text.as_bytes()).unwrap());
    let first = carol.encrypt("@bob:b.org", b"first").unwrap();
    let (device, ours, theirs) =
        (device(), *alice.account.identity_key(), *carol.account.identity_key());
    let from_alice = |envelope| Incoming {
        user: "@alice:example.org",
        device: &device,
        identity_key: Some(&ours),
        envelope,
    };
    let from_carol =
        Incoming { user: "@carol:example.org", identity_key: Some(&theirs), ..from_alice(&first) };
    let forged = Incoming { identity_key: Some(&ours), ..from_carol };
    let batch =
        [from_alice(&sent[1]), forged, from_carol, from_alice(&sent[0]), from_alice(&sent[1])];

    let Ok(results) = bob.step(|account, inside| account.receive_many(&batch, &Alone, inside))
    else {
        panic!()
    };
    let kept: Vec<_> = results
        .iter()
        .map(|placed| match placed {
            Ok(Delivery::New(entry)) => Ok(entry.plaintext.expose()),
            Ok(Delivery::Waiting(_)) => Ok(&b"again"[..]),
            Ok(Delivery::Handled) => Ok(&b""[..]),
            Err(refusal) => Err(*refusal),
        })
        .collect();
    let refused = Err(Error::UntrustedIdentity);
    assert_eq!([Ok(&b"1"[..]), refused, Ok(b"first"), Ok(b"0"), Ok(b"again")][..], kept);
    bob.reopen(1);
    assert_eq!(3, bob.account.vault().inbox(&mut bob.store).unwrap().len());
    let back = bob.encrypt("@carol:example.org", b"back").unwrap();
    assert_eq!(b"back"[..], carol.decrypt(&bob, &back).unwrap());
    let next = alice.encrypt("@bob:b.org", b"2").unwrap();
    let incoming = [from_alice(&next)];
    let opened =
        bob.step(|account, inside| account.decrypt_many(&incoming, &Alone, inside)).unwrap();
    assert_eq!(b"2", opened[0].as_ref().unwrap().0.expose());
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

#[test]
fn the_first_message_of_an_unknown_device_says_which_key_is_trusted() {
    let (mut alice, mut bob) = (Person::new("@alice:example.org", 1), Person::new("@bob:b.org", 2));
    let mut mallory = Person::new("@alice:example.org", 3);
    alice.connect(&mut bob);
    mallory.connect(&mut bob);
    let (user, device) = ("@alice:example.org", device());
    let first = alice.encrypt("@bob:b.org", b"first").unwrap();
    let other = mallory.encrypt("@bob:b.org", b"other").unwrap();
    let incoming = |envelope| Incoming { user, device: &device, identity_key: None, envelope };

    let opened = bob.step(|account, inside| account.decrypt(incoming(&first), inside)).unwrap();
    let refused = bob.step(|account, inside| account.decrypt(incoming(&other), inside)).err();

    assert_eq!(b"first", opened.0.expose());
    assert_eq!(Some(Failure::Protocol(Error::UntrustedIdentity)), refused);
    assert_eq!(Some(*alice.account.identity_key()), envelope::identity_key(&first));
}

#[test]
fn envelopes_of_other_protocols_are_told() {
    assert_eq!(Err(Error::Malformed), envelope::decode(&[]).map(|_| ()));
    assert_eq!(Err(Error::Malformed), envelope::decode(&[32]).map(|_| ()));
    assert_eq!(Err(Error::Malformed), envelope::decode(&[32, 1, 3]).map(|_| ()));
    assert_eq!(Err(Error::UnsupportedVersion), envelope::decode(&[1, 2, 3]).map(|_| ()));
}

#[test]
fn a_key_that_is_given_away_by_hand_waits_for_nobody() {
    let mut bob = Person::new("@bob:b.org", 2);

    let (first, _) = bob.step(StoredAccount::reserve_key).unwrap();
    let reusable = bob.step(StoredAccount::reusable_key).unwrap();
    let again = bob.step(StoredAccount::reusable_key).unwrap();
    let waiting = bob.step(|account, inside| account.generate_keys(0, false, inside)).unwrap();

    assert_eq!((1, 2), (first, reusable.0));
    assert_eq!(reusable, again);
    assert!(waiting.one_time.is_empty());
}

#[test]
fn a_batch_at_rest_is_what_would_be_read() {
    let (mut alice, mut bob) = pair();
    let answer = bob.encrypt("@alice:example.org", b"answer").unwrap();
    alice.decrypt(&bob, &answer).unwrap();
    alice.encrypt("@bob:b.org", b"turns").unwrap();
    let (device, Person { account, store, random }) = (device(), &mut alice);
    let whom = ("@bob:b.org", &device);

    assert!(account.encrypt_all_at_rest(whom, &[], (NOW_MS, random)).is_none());
    let made = account.encrypt_all_at_rest(whom, &[b"0", b"1"], (NOW_MS, random));
    let (e2ee_account::Exchange { name, before, after, .. }, outcome) = made.unwrap();
    assert_eq!(Some(&(before.revision, before.sealed)), store.0.get(&name));
    store.0.insert(name, (after.revision, after.sealed));
    let confirmation = outcome.confirm(None).unwrap();
    let sent = account.vault().committed(outcome, &confirmation);

    assert_eq!(b"1"[..], bob.decrypt(&alice, &sent[1]).unwrap());
    assert_eq!(b"0"[..], bob.decrypt(&alice, &sent[0]).unwrap());
}
