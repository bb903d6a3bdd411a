// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rooms of accounts over a store in memory: who reads what, once, and what ends a session
//! (olm_megolm.md §2 and §8).

use super::{
    super::{
        person::{Alone, Person, device, secret},
        *,
    },
    exporting::{ForeignKey, Taken},
    rotation::Rotation,
    *,
};

mod keys;

const ALICE: &str = "@alice:example.org";
const BOB: &str = "@bob:b.org";
const CAROL: &str = "@carol:c.org";
const WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

fn id() -> RoomId {
    RoomId::new("!room/1:example.org").unwrap()
}

/// Alice, who has sessions with Bob and Carol, and a room of both.
fn people() -> (Person, Person, Person) {
    let mut alice = Person::new(ALICE, 1);
    let (mut bob, mut carol) = (Person::new(BOB, 2), Person::new(CAROL, 3));
    alice.connect(&mut bob);
    alice.connect(&mut carol);
    let members = [(BOB, &device()), (CAROL, &device())];
    alice.step(|account, inside| account.create_room(&id(), &members, inside)).unwrap();
    (alice, bob, carol)
}

impl Person {
    fn invitations(&mut self) -> Vec<Invitation> {
        self.step(|account, inside| account.room_invitations(&id(), inside)).unwrap()
    }

    /// Invites whoever needs it; who is in `others` gets the invitation.
    fn invite(&mut self, others: &mut [&mut Self]) {
        for Invitation { user, envelope, .. } in self.invitations() {
            let member = others.iter_mut().find(|other| other.account.user().0 == user);
            if let Some(member) = member {
                let opened = member.open(self, &envelope).unwrap();
                assert_eq!((Message::Invitation(id()), Vec::new()), opened);
            }
        }
    }

    fn write(&mut self, text: &[u8]) -> Result<Vec<u8>, Failure> {
        self.step(|account, inside| account.encrypt_to_room(&id(), text, inside))
    }

    fn open(&mut self, from: &Self, envelope: &[u8]) -> Result<(Message, Vec<u8>), Failure> {
        self.open_as(from.account.user().0, envelope)
    }

    fn open_as(&mut self, user: &str, envelope: &[u8]) -> Result<(Message, Vec<u8>), Failure> {
        let device = device();
        let incoming = Incoming { user, device: &device, identity_key: None, envelope };
        let opened = self.step(|account, inside| account.decrypt(incoming, inside))?;
        Ok((opened.content, opened.plaintext.expose().to_vec()))
    }

    fn change(&mut self, change: RoomChange<'_>) -> Result<(), Failure> {
        self.step(|account, inside| account.change_room(&id(), change, inside))
    }

    fn pending(&mut self, later_ms: u64) -> Vec<String> {
        let Self { account, store, random } = self;
        let now_ms = person::NOW_MS + later_ms;
        let mut inside = Environment { records: store, random, now_ms };
        let members = account.room_members(&id(), &mut inside).unwrap();
        members.into_iter().filter(|member| member.pending).map(|member| member.user).collect()
    }

    fn keys_of_rooms(&mut self) -> Vec<ForeignKey> {
        let Self { account, store, .. } = self;
        account.vault().refresh(store).unwrap();
        account.export_room_keys(None, store).unwrap()
    }

    fn import(&mut self, keys: Vec<ForeignKey>) -> Vec<Result<Taken, Error>> {
        let keys = keys.into_iter().map(Ok).collect();
        self.step(|account, inside| account.import_room_keys(keys, inside)).unwrap()
    }

    fn rows(&self, prefix: &str) -> usize {
        self.store.0.keys().filter(|name| name.starts_with(prefix)).count()
    }
}

fn refusal<T>(result: Result<T, Failure>) -> Option<Error> {
    match result.err()? {
        Failure::Protocol(error) => Some(error),
        Failure::Store(error) => panic!("{error:?}"),
    }
}

fn room_text(text: &[u8]) -> (Message, Vec<u8>) {
    (Message::Room(id()), text.to_vec())
}

#[test]
fn members_read_what_is_written_after_their_invitations_and_each_restart() {
    let (mut alice, mut bob, mut carol) = people();
    assert_eq!([BOB, CAROL][..], alice.pending(0));
    assert_eq!(Some(Error::InvitationsPending), refusal(alice.write(b"early")));

    alice.invite(&mut [&mut bob, &mut carol]);

    assert!(alice.pending(0).is_empty());
    assert!(alice.invitations().is_empty());
    for round in 0..5_u8 {
        let (first, second) = (alice.write(&[round]).unwrap(), alice.write(b"late").unwrap());
        alice.reopen(1);
        for reader in [&mut bob, &mut carol] {
            assert_eq!(room_text(b"late"), reader.open(&alice, &second).unwrap());
            reader.reopen(1);
            assert_eq!(room_text(&[round]), reader.open(&alice, &first).unwrap());
        }
    }
}

#[test]
fn whoever_was_invited_knows_the_room_and_writes_to_it() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);
    assert_eq!(vec![id()], bob.account.rooms(&mut bob.store).unwrap());

    // Of Alice's Ed25519 key Bob knows what she said herself.
    bob.change(RoomChange::Add(ALICE, &device())).unwrap();
    bob.invite(&mut [&mut alice]);
    let text = bob.write(b"hello").unwrap();

    assert_eq!(room_text(b"hello"), alice.open(&bob, &text).unwrap());
}

#[test]
fn a_message_opens_once_and_its_second_delivery_is_known() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);
    let text = alice.write(b"text").unwrap();

    let Ok(Delivery::New(entry)) = bob.receive(&alice, &text) else { panic!() };

    assert_eq!((Message::Room(id()), &b"text"[..]), (entry.content, entry.plaintext.expose()));
    assert!(matches!(bob.receive(&alice, &text), Ok(Delivery::Waiting(_))));
    assert!(bob.handled(&entry.id));
    assert!(matches!(bob.receive(&alice, &text), Ok(Delivery::Handled)));
    assert_eq!(Some(Error::Duplicate), refusal(bob.open(&alice, &text)));
    let mut forged = text.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(Some(Error::Forged), refusal(bob.receive(&alice, &forged)));
}

#[test]
fn a_session_that_was_not_given_to_us_is_an_unknown_key() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut carol]);
    let before = alice.write(b"before").unwrap();

    assert_eq!(Some(Error::NoSenderKey), refusal(bob.receive(&alice, &before)));
    alice.change(RoomChange::Reinvite(BOB, &device())).unwrap();
    alice.invite(&mut [&mut bob]);

    assert_eq!(Some(Error::UnknownIndex), refusal(bob.receive(&alice, &before)));
    let after = alice.write(b"after").unwrap();
    assert_eq!(room_text(b"after"), bob.open(&alice, &after).unwrap());
}

#[test]
fn a_message_under_anothers_session_is_not_whose_the_carrier_says() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);
    carol.connect(&mut bob);
    let greeting = carol.encrypt(BOB, b"hello").unwrap();
    bob.open(&carol, &greeting).unwrap();
    let text = alice.write(b"text").unwrap();

    let as_carol = refusal(bob.receive(&carol, &text));
    let as_stranger = refusal(bob.open_as("@eve:example.org", &text));

    assert_eq!([Some(Error::UntrustedIdentity); 2], [as_carol, as_stranger]);
    assert_eq!(room_text(b"text"), bob.open(&alice, &text).unwrap());
}

#[test]
fn a_message_of_one_room_opens_in_no_other() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);
    let text = alice.write(b"text").unwrap();
    let envelope::Contents::Room(message) = envelope::decode(&text).unwrap() else { panic!() };
    let moved = wrap_room(&RoomMessage { room: "!other:example.org", ..message }).unwrap();

    assert_eq!(Some(Error::NoSenderKey), refusal(bob.open(&alice, &moved)));
}

#[test]
fn who_is_removed_reads_nothing_more_and_is_not_heard_until_it_invites_again() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);
    carol.change(RoomChange::Add(ALICE, &device())).unwrap();
    carol.invite(&mut [&mut alice]);
    let late = carol.write(b"late").unwrap();

    alice.change(RoomChange::Remove(CAROL, &device())).unwrap();

    assert_eq!([BOB][..], alice.pending(0));
    alice.invite(&mut [&mut bob]);
    let text = alice.write(b"without carol").unwrap();
    assert_eq!(room_text(b"without carol"), bob.open(&alice, &text).unwrap());
    assert_eq!(Some(Error::NoSenderKey), refusal(carol.open(&alice, &text)));
    assert_eq!(Some(Error::NoSenderKey), refusal(alice.open(&carol, &late)));
    carol.change(RoomChange::Reinvite(ALICE, &device())).unwrap();
    carol.invite(&mut [&mut alice]);
    assert_eq!(room_text(b"late"), alice.open(&carol, &late).unwrap());
}

#[test]
fn a_session_ends_after_as_many_messages_as_the_room_asks_for() {
    let (mut alice, mut bob, mut carol) = people();
    alice.change(RoomChange::RotateAfter(Rotation::after(2, WEEK_MS))).unwrap();
    alice.invite(&mut [&mut bob, &mut carol]);
    let first = [alice.write(b"1").unwrap(), alice.write(b"2").unwrap()];

    assert_eq!(Some(Error::InvitationsPending), refusal(alice.write(b"3")));
    assert_eq!([BOB, CAROL][..], alice.pending(0));
    alice.invite(&mut [&mut bob, &mut carol]);
    let third = alice.write(b"3").unwrap();

    for (text, envelope) in [(b"3", &third), (b"2", &first[1]), (b"1", &first[0])] {
        assert_eq!(room_text(text), bob.open(&alice, envelope).unwrap());
    }
}

#[test]
fn a_session_ends_with_its_time() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);

    assert!(alice.pending(WEEK_MS - 1).is_empty());
    assert_eq!([BOB, CAROL][..], alice.pending(WEEK_MS));
}

#[test]
fn a_device_that_is_forgotten_has_no_use_of_our_session() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);
    bob.change(RoomChange::Add(ALICE, &device())).unwrap();
    bob.invite(&mut [&mut alice]);
    let [first, second] = [bob.write(b"first").unwrap(), bob.write(b"second").unwrap()];
    assert!(alice.open(&bob, &first).is_ok());

    alice.step(|account, inside| account.forget((BOB, &device()), inside)).unwrap();

    assert_eq!([BOB, CAROL][..], alice.pending(0));
    let invited: Vec<_> = alice.invitations().into_iter().map(|each| each.user).collect();
    assert_eq!([CAROL][..], invited);
    assert_eq!(Some(Error::UntrustedIdentity), refusal(alice.open(&bob, &second)));
    alice.connect(&mut bob);
    assert_eq!(room_text(b"second"), alice.open(&bob, &second).unwrap());
}

#[test]
fn healing_gives_every_room_a_session_that_nobody_has() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);
    let before = alice.write(b"before").unwrap();

    let healed = alice.step(StoredAccount::heal).unwrap();

    assert_eq!(vec![id()], healed.rooms);
    assert_eq!([BOB, CAROL][..], alice.pending(0));
    alice.connect(&mut bob);
    alice.change(RoomChange::Remove(CAROL, &device())).unwrap();
    alice.invite(&mut [&mut bob]);
    let after = alice.write(b"after").unwrap();
    assert_ne!(before[..34], after[..34]);
    assert_eq!(room_text(b"after"), bob.open(&alice, &after).unwrap());
}

#[test]
fn leaving_a_room_leaves_nothing() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);
    bob.change(RoomChange::Add(ALICE, &device())).unwrap();
    assert_eq!(4, bob.rows("room"));

    bob.step(|account, inside| account.leave_room(&id(), inside)).unwrap();

    assert_eq!(0, bob.rows("room"));
    assert!(bob.account.rooms(&mut bob.store).unwrap().is_empty());
    bob.reopen(1);
    assert_eq!(Some(Error::NoGroup), refusal(bob.write(b"text")));
}

#[test]
fn a_damaged_or_missing_row_of_a_room_is_found() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);
    let text = alice.write(b"text").unwrap();
    let whole = bob.store.clone();

    for prefix in ["room/", "room-key/", "room-read/"] {
        bob.store = whole.clone();
        let (name, _) = whole.0.iter().find(|(name, _)| name.starts_with(prefix)).unwrap();
        bob.store.0.remove(name);
        let opened = StoredAccount::open(&secret(1), &mut bob.store);
        let found = match opened {
            Err(failure) => Some(failure),
            Ok(account) => {
                bob.account = account;
                bob.open(&alice, &text).err()
            }
        };
        assert_eq!(Some(Failure::Store(StoreError::Corruption)), found, "{prefix}");
    }
}

#[test]
fn a_room_that_was_set_back_is_found_by_who_has_seen_it() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);
    let older = alice.store.clone();
    alice.write(b"text").unwrap();

    alice.store = older;

    assert_eq!(Some(Failure::Store(StoreError::Rollback)), alice.write(b"text").err());
}

#[test]
fn another_key_of_the_store_opens_its_rooms() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);
    let texts = [alice.write(b"1").unwrap(), alice.write(b"2").unwrap()];
    bob.open(&alice, &texts[0]).unwrap();

    bob.rekey(2);

    assert_eq!(room_text(b"2"), bob.open(&alice, &texts[1]).unwrap());
    bob.reopen(2);
    assert_eq!(Some(Error::Duplicate), refusal(bob.open(&alice, &texts[1])));
}

#[test]
fn a_batch_takes_an_invitation_and_what_follows_it() {
    let (mut alice, mut bob, _) = people();
    let invitations = alice.invitations();
    let mine = invitations.iter().find(|each| each.user == BOB).unwrap();
    let envelopes = [mine.envelope.clone(), alice.write(b"1").unwrap(), alice.write(b"2").unwrap()];
    let device = device();
    let incoming =
        |envelope| Incoming { user: ALICE, device: &device, identity_key: None, envelope };
    let messages: Vec<_> = envelopes.iter().map(|envelope| incoming(&envelope[..])).collect();

    let placed =
        bob.step(|account, inside| account.decrypt_many(&messages, &Alone, inside)).unwrap();

    let contents: Vec<_> = placed.into_iter().map(|each| each.unwrap().content).collect();
    assert_eq!([Message::Invitation(id()), Message::Room(id()), Message::Room(id())][..], contents);
    bob.reopen(1);
    assert_eq!(Some(Error::Duplicate), refusal(bob.open(&alice, &envelopes[2])));
}

#[test]
fn a_text_above_the_limit_is_refused() {
    let (mut alice, mut bob, mut carol) = people();
    alice.invite(&mut [&mut bob, &mut carol]);

    let refused = alice.write(&vec![0; MAX_PLAINTEXT_LEN + 1]);

    assert_eq!(Some(Error::InvalidArgument), refusal(refused));
}

#[test]
fn we_are_no_member_of_our_own_rooms() {
    let mut alice = Person::new(ALICE, 1);
    let own = (ALICE, &device());
    let made = alice.step(|account, inside| account.create_room(&id(), &[own], inside));
    assert_eq!(Some(Error::InvalidArgument), refusal(made));

    alice.step(|account, inside| account.create_room(&id(), &[], inside)).unwrap();

    assert_eq!(
        Some(Error::InvalidArgument),
        refusal(alice.change(RoomChange::Add(ALICE, &device())))
    );
    let again = alice.step(|account, inside| account.create_room(&id(), &[], inside));
    assert_eq!(Some(Error::InvalidArgument), refusal(again));
}
