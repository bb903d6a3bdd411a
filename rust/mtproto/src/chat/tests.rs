// SPDX-License-Identifier: MIT OR Apache-2.0
//! Two ends of a chat, and a carrier that loses, repeats and reorders (mtproto_secret_chats.md §5 and
//! §6).

use std::collections::BTreeMap;

use e2ee_primitives::Secret;
use e2ee_state::Failure;

use super::*;
use crate::{action::service, group::KNOWN_PRIME, limits::NEWEST_LAYER};

mod exchanges;
mod gaps;
mod random_walk;

/// Numbers that never repeat.
pub(super) struct Stream(u64);

impl Stream {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// `SplitMix64`.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }
}

impl Random for Stream {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for chunk in out.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

/// One end: its state as it is stored, what is kept beside it, and what it has opened.
pub(super) struct End {
    pub(super) state: Vec<u8>,
    pub(super) sent: BTreeMap<u32, Sent>,
    pub(super) waiting: BTreeMap<u32, (i64, Vec<u8>)>,
    pub(super) opened: Vec<Vec<u8>>,
    pub(super) changes: Vec<Change>,
    pub(super) random: Stream,
    pub(super) now_ms: u64,
}

struct Rows<'a>(&'a BTreeMap<u32, (i64, Vec<u8>)>);

impl Shelf for Rows<'_> {
    fn waiting(&mut self, number: u32) -> Result<(i64, SecretBytes), Failure> {
        let (fingerprint, body) = &self.0[&number];
        Ok((*fingerprint, SecretBytes::new(body.clone())))
    }
}

/// The group in which all keys of these tests are agreed on.
pub(super) fn group() -> Group {
    Group::new(3, &KNOWN_PRIME, &mut Stream::new(0)).unwrap()
}

/// Both ends of a chat, the one who created it first.
pub(super) fn pair() -> [End; 2] {
    let key = || ChatKey::new(Secret::new(core::array::from_fn(|at| at.to_le_bytes()[0])));
    let end = |role, seed| {
        let chat = Chat::new(role, NEWEST_LAYER, key(), 0);
        let state = chat.encode().expose().to_vec();
        End {
            state,
            sent: BTreeMap::new(),
            waiting: BTreeMap::new(),
            opened: Vec::new(),
            changes: Vec::new(),
            random: Stream::new(seed),
            now_ms: 0,
        }
    };
    [end(Role::Originator, 1), end(Role::Responder, 2)]
}

/// A message with this number, of a constructor that nobody knows.
pub(super) fn text(number: u32) -> Vec<u8> {
    [0x0bad_cafe_u32.to_le_bytes(), number.to_le_bytes()].concat()
}

impl End {
    pub(super) fn chat(&self) -> Chat {
        Chat::decode(&self.state).unwrap()
    }

    /// Works on the state as it is stored; an error leaves it. Returns what leaves.
    pub(super) fn step(
        &mut self,
        work: impl FnOnce(&mut Chat, &mut dyn Shelf, At<'_>) -> Result<Effects, Failure>,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let mut chat = self.chat();
        let mut rows = Rows(&self.waiting);
        let effects = work(&mut chat, &mut rows, (self.now_ms, &mut self.random))?;
        self.state = chat.encode().expose().to_vec();
        let mut leaving = Vec::new();
        for number in effects.again {
            leaving.push(self.sent[&number].wire.clone());
        }
        for sent in effects.sent {
            leaving.push(sent.wire.clone());
            self.sent.insert(sent.number, sent);
        }
        for number in effects.acknowledged {
            assert!(self.sent.remove(&number).is_some());
        }
        if let Some((number, fingerprint, body)) = effects.kept {
            self.waiting.insert(number, (fingerprint, body.expose().to_vec()));
        }
        for number in effects.taken {
            assert!(self.waiting.remove(&number).is_some());
        }
        let received = effects.received.into_iter();
        self.opened.extend(received.map(|each| each.message.expose().to_vec()));
        self.changes.extend(effects.changes);
        Ok(leaving)
    }

    pub(super) fn send(&mut self, message: &[u8]) -> Vec<Vec<u8>> {
        self.step(|chat, _, at| Ok(chat.send(message, &group(), at)?)).unwrap()
    }

    /// One message for the carrier.
    pub(super) fn send_one(&mut self, message: &[u8]) -> Vec<u8> {
        let [wire] = self.send(message).try_into().unwrap();
        wire
    }

    pub(super) fn receive(&mut self, wire: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
        self.step(|chat, kept, at| chat.receive(wire, &group(), kept, at))
    }

    pub(super) fn rekey(&mut self) -> Result<Vec<Vec<u8>>, Failure> {
        self.step(|chat, _, at| {
            let mut effects = chat.effects();
            chat.rekey(&group(), &mut effects, at)?;
            Ok(effects)
        })
    }

    /// A service message that no chat of ours would make.
    pub(super) fn forge(&mut self, action: &Action<'_>) -> Vec<u8> {
        let leaving = self.step(|chat, _, at| {
            let mut effects = chat.effects();
            chat.make((&service(7, action)?, 7, true), &mut effects, at.1)?;
            Ok(effects)
        });
        let [wire] = leaving.unwrap().try_into().unwrap();
        wire
    }
}

/// Delivers everything in both directions until nothing is left.
pub(super) fn settle(ends: &mut [End; 2], mut wires: [Vec<Vec<u8>>; 2]) {
    while !wires.iter().all(Vec::is_empty) {
        for to in [0, 1] {
            for wire in core::mem::take(&mut wires[to]) {
                match ends[to].receive(&wire) {
                    Ok(answers) => wires[1 - to].extend(answers),
                    Err(failure) => assert_eq!(Failure::from(Error::Duplicate), failure),
                }
            }
        }
    }
}

#[test]
fn each_end_opens_what_the_other_one_sends() {
    let [mut ours, mut theirs] = pair();

    let wire = ours.send_one(&text(1));
    assert_eq!(Ok(vec![]), theirs.receive(&wire));
    let answer = theirs.send_one(&text(2));
    assert_eq!(Ok(vec![]), ours.receive(&answer));

    assert_eq!((vec![text(1)], vec![text(2)]), (theirs.opened, ours.opened));
    assert!(ours.sent.is_empty());
    assert_eq!(1, theirs.sent.len());
}

#[test]
fn a_message_for_nobody_here_changes_nothing() {
    let [mut ours, mut theirs] = pair();
    let mut wire = ours.send_one(&text(1));
    let state = theirs.state.clone();

    for short in [&[][..], &wire[..39], &[0; 24]] {
        assert_eq!(Err(Error::NotForChat.into()), theirs.receive(short));
    }
    wire[0] ^= 1;
    assert_eq!(Err(Error::NotForChat.into()), theirs.receive(&wire));
    assert_eq!(state, theirs.state);
}

#[test]
fn a_message_comes_back_to_its_sender_as_a_forgery() {
    let [mut ours, _] = pair();
    let wire = ours.send_one(&text(1));

    assert_eq!(Err(Error::Forged.into()), ours.receive(&wire));
}

#[test]
fn the_layer_rises_with_what_the_other_end_names_and_never_falls() {
    let [mut ours, mut theirs] = pair();
    assert_eq!(73, theirs.chat().layer());

    let notify = ours.step(|chat, _, at| {
        let mut effects = chat.effects();
        chat.notify_layer(&mut effects, at)?;
        Ok(effects)
    });
    theirs.receive(&notify.unwrap()[0]).unwrap();
    assert_eq!(NEWEST_LAYER, theirs.chat().layer());

    let lower = ours.forge(&Action::NotifyLayer(80));
    theirs.receive(&lower).unwrap();
    assert_eq!(NEWEST_LAYER, theirs.chat().layer());
    assert_eq!(vec![Change::Layer(73), Change::Layer(NEWEST_LAYER)], theirs.changes);
}

#[test]
fn a_message_of_a_lower_layer_than_before_is_refused() {
    let [mut ours, mut theirs] = pair();
    theirs.receive(&ours.send_one(&text(1))).unwrap();
    let mut chat = theirs.chat();
    (chat.their_layer, chat.named_layer) = (101, 101);
    theirs.state = chat.encode().expose().to_vec();

    assert_eq!(Err(Error::Malformed.into()), theirs.receive(&ours.send_one(&text(2))));
}

#[test]
fn service_messages_about_the_chat_itself_are_not_the_applications_to_send() {
    let [mut ours, _] = pair();
    for action in [
        Action::Noop,
        Action::NotifyLayer(144),
        Action::Resend { start: 0, end: 0 },
        Action::AbortKey { exchange_id: 1 },
        Action::CommitKey { exchange_id: 1, fingerprint: 1 },
    ] {
        let message = service(1, &action).unwrap();
        let sent = ours.step(|chat, _, at| Ok(chat.send(&message, &group(), at)?));
        assert_eq!(Err(Error::InvalidArgument.into()), sent);
    }
}

#[test]
fn what_people_do_reaches_the_application_whole() {
    let [mut ours, mut theirs] = pair();
    let message = service(5, &Action::SetMessageTtl(60)).unwrap();

    theirs.receive(&ours.send_one(&message)).unwrap();

    assert_eq!(vec![message], theirs.opened);
}

#[test]
fn a_state_that_no_chat_has_is_refused() {
    let [mut ours, _] = pair();
    ours.send_one(&text(1));
    for length in 0..ours.state.len() {
        assert!(Chat::decode(&ours.state[..length]).is_err());
    }
    assert!(Chat::decode(&[&ours.state[..], &[0]].concat()).is_err());
    let mut chat = ours.chat();
    chat.again.insert(1);
    assert!(Chat::decode(chat.encode().expose()).is_err());
}

#[test]
fn numbers_that_do_not_ascend_are_refused() {
    let [mut ours, _] = pair();
    ours.send_one(&text(1));
    ours.send_one(&text(2));
    let mut chat = ours.chat();
    (chat.posted, chat.again) = (2, BTreeSet::from([0, 1]));
    let right = chat.encode().expose().to_vec();
    let before = right.len() - 8;

    assert_eq!([0, 0, 0, 0, 0, 0, 0, 1], right[before..]);
    assert!(Chat::decode(&right).is_ok());
    for [first, second] in [[1, 0], [0, 0], [1, 1]] {
        let wrong = [&right[..before], &[0, 0, 0, first, 0, 0, 0, second]].concat();
        assert_eq!(Some(Error::CorruptState), Chat::decode(&wrong).err());
    }
}

#[test]
fn the_longest_state_of_keys_is_written_without_moving() {
    let [mut ours, _] = pair();
    ours.rekey().unwrap();

    assert!(ours.state.len() <= record::USUAL_LEN, "{}", ours.state.len());
}
