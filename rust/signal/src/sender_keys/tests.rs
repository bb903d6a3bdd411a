// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sender keys against themselves; the recorded client's are in tests/conformance.

use e2ee_primitives::random::Random;
use e2ee_wire::Error;

use super::{DistributionMessage, GroupMessage, SenderKey, SenderKeyRecord, SenderKeys};
use crate::{
    account::Workers,
    limits::{MAX_SENDER_KEY_JUMP, MAX_SENDER_KEY_STATES},
};

const GROUP: [u8; 16] = [0xd1; 16];

struct Counter(u8);

impl Random for Counter {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.0 = self.0.wrapping_add(1);
        out.fill(self.0);
        Ok(())
    }
}

fn sender(seed: u8) -> SenderKey {
    SenderKey::create(&mut Counter(seed)).unwrap()
}

fn receiver(sender: &SenderKey) -> SenderKeys {
    let mut keys = SenderKeys::none();
    keys.accept(&sender.distribution(&GROUP));
    keys
}

fn encrypt(sender: &mut SenderKey) -> Vec<u8> {
    sender.encrypt(&GROUP, b"text", &mut Counter(0)).unwrap()
}

fn open(keys: &mut SenderKeys, message: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(keys.decrypt(&GroupMessage::decode(message)?)?.expose().to_vec())
}

fn stored(keys: &SenderKeys) -> [Vec<u8>; 2] {
    [keys.encode_head(&[]), keys.encode_skipped()].map(|part| part.expose().to_vec())
}

#[test]
fn a_message_opens_once() {
    let mut alice = sender(1);
    let mut bob = receiver(&alice);
    let message = encrypt(&mut alice);

    assert_eq!(Ok(b"text".to_vec()), open(&mut bob, &message));
    assert_eq!(Err(Error::Duplicate), open(&mut bob, &message));
}

#[test]
fn a_joiner_opens_nothing_from_before() {
    let mut alice = sender(1);
    let before = encrypt(&mut alice);
    let mut carol = receiver(&alice);

    assert_eq!(Err(Error::Duplicate), open(&mut carol, &before));
    assert!(open(&mut carol, &encrypt(&mut alice)).is_ok());
}

#[test]
fn every_altered_byte_and_every_truncation_is_refused_and_changes_nothing() {
    let mut alice = sender(1);
    let mut bob = receiver(&alice);
    let message = encrypt(&mut alice);
    let before = stored(&bob);

    for at in 0..message.len() {
        let mut altered = message.clone();
        altered[at] ^= 0x01;
        let refused = open(&mut bob, &altered).unwrap_err();
        // The low nibble of the version byte is under the signature, not checked by itself.
        assert!(
            matches!(refused, Error::Forged | Error::Malformed | Error::NoSenderKey),
            "{at}: {refused:?}"
        );
        assert!(open(&mut bob, &message[..at]).is_err(), "{at}");
    }
    assert!(open(&mut bob, &[&message[..], &[0]].concat()).is_err());
    assert_eq!(before, stored(&bob));
    assert!(open(&mut bob, &message).is_ok());
}

#[test]
fn another_version_is_unsupported() {
    let mut message = encrypt(&mut sender(1));
    message[0] = 0x44;

    assert_eq!(Err(Error::UnsupportedVersion), GroupMessage::decode(&message).map(|_| ()));
    assert_eq!(Err(Error::UnsupportedVersion), DistributionMessage::decode(&[0x23]).map(|_| ()));
}

#[test]
fn a_forged_index_costs_no_step() {
    let mut alice = sender(1);
    let mut bob = receiver(&alice);
    let mut mallory = sender(1);
    mallory.encrypt(&GROUP, b"", &mut Counter(0)).unwrap();
    let mut forged = encrypt(&mut mallory);
    *forged.last_mut().unwrap() ^= 0x01;

    assert_eq!(Err(Error::Forged), open(&mut bob, &forged));
    assert!(open(&mut bob, &encrypt(&mut alice)).is_ok());
}

#[test]
fn a_member_cannot_speak_for_the_sender() {
    let mut alice = sender(1);
    let mut bob = receiver(&alice);
    let mut carol = SenderKey::from_parts(
        alice.chain_id,
        e2ee_ratchet::Chain::new(alice.chain.key().duplicate(), 0),
        e2ee_primitives::x25519::PrivateKey::random(&mut Counter(9)).unwrap(),
    );

    assert_eq!(Err(Error::Forged), open(&mut bob, &encrypt(&mut carol)));
    assert!(open(&mut bob, &encrypt(&mut alice)).is_ok());
}

#[test]
fn a_repeated_distribution_keeps_the_chain_and_moves_it_to_the_front() {
    let mut alice = sender(1);
    let first = alice.distribution(&GROUP);
    let mut bob = receiver(&alice);
    let used = encrypt(&mut alice);
    open(&mut bob, &used).unwrap();
    for seed in 10..14 {
        bob.accept(&sender(seed).distribution(&GROUP));
    }

    bob.accept(&first);
    bob.accept(&sender(15).distribution(&GROUP));

    assert_eq!(MAX_SENDER_KEY_STATES, bob.len());
    assert_eq!(Err(Error::Duplicate), open(&mut bob, &used));
    assert!(open(&mut bob, &encrypt(&mut alice)).is_ok());
}

#[test]
fn a_chain_of_the_same_id_under_another_key_replaces_the_old_one() {
    let mut alice = sender(1);
    let mut bob = receiver(&alice);
    let mut other = sender(20);
    other.chain_id = alice.chain_id;

    bob.accept(&other.distribution(&GROUP));

    assert_eq!(1, bob.len());
    assert_eq!(Err(Error::Forged), open(&mut bob, &encrypt(&mut alice)));
    assert!(open(&mut bob, &encrypt(&mut other)).is_ok());
}

#[test]
fn the_oldest_of_six_chains_gives_way() {
    let mut senders: Vec<SenderKey> = (0..6).map(|number| sender(10 * number)).collect();
    let mut bob = SenderKeys::none();
    for sender in &senders {
        bob.accept(&sender.distribution(&GROUP));
    }

    assert_eq!(MAX_SENDER_KEY_STATES, bob.len());
    assert_eq!(Err(Error::NoSenderKey), open(&mut bob, &encrypt(&mut senders[0])));
    assert!(open(&mut bob, &encrypt(&mut senders[1])).is_ok());
}

#[test]
fn the_limit_of_a_jump_is_exact() {
    for (lost, expected) in [
        (MAX_SENDER_KEY_JUMP - 1, Ok(b"text".to_vec())),
        (MAX_SENDER_KEY_JUMP, Ok(b"text".to_vec())),
        (MAX_SENDER_KEY_JUMP + 1, Err(Error::TooFarAhead)),
    ] {
        let mut alice = sender(1);
        let mut bob = receiver(&alice);
        for _ in 0..lost {
            alice.chain = alice.chain.step().unwrap().1;
        }

        assert_eq!(expected, open(&mut bob, &encrypt(&mut alice)), "{lost}");
    }
}

#[test]
fn the_last_index_is_not_used() {
    let mut alice = sender(1);
    alice.chain = e2ee_ratchet::Chain::new(alice.chain.key().duplicate(), u32::MAX - 1);
    let mut bob = receiver(&alice);

    assert!(open(&mut bob, &encrypt(&mut alice)).is_ok());
    let refused = alice.encrypt(&GROUP, b"text", &mut Counter(0));
    assert_eq!(Err(Error::Exhausted), refused);
}

#[test]
fn a_distribution_message_reads_back_and_no_part_of_it_may_be_missing() {
    let alice = sender(1);
    let encoded = alice.distribution(&GROUP).encode();
    let bytes = encoded.expose();

    let read = DistributionMessage::decode(bytes).unwrap();

    assert_eq!(bytes, read.encode().expose());
    for length in 0..bytes.len() {
        assert!(DistributionMessage::decode(&bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn the_signing_key_has_exactly_33_bytes() {
    let encoded = sender(1).distribution(&GROUP).encode();
    let (fields, key) = encoded.expose().split_at(encoded.len() - 35);
    let with = |key: &[u8]| [fields, &[0x2a, u8::try_from(key.len()).unwrap()], key].concat();

    assert!(DistributionMessage::decode(&with(&key[2..])).is_ok());
    for key in [&key[2..34], &[&key[2..], &[0]].concat()] {
        assert_eq!(Some(Error::InvalidKey), DistributionMessage::decode(&with(key)).err());
    }
}

#[test]
fn stored_forms_read_back_and_every_truncation_is_damage() {
    let mut alice = sender(1);
    let mut bob = receiver(&alice);
    encrypt(&mut alice);
    open(&mut bob, &encrypt(&mut alice)).unwrap();
    bob.accept(&sender(30).distribution(&GROUP));
    let [head, skipped] = stored(&bob);
    let own = alice.encode();

    let read = SenderKeys::decode(&head, &skipped).unwrap();
    assert_eq!([head.clone(), skipped.clone()], stored(&read));
    assert_eq!(own.expose(), SenderKey::decode(own.expose()).unwrap().encode().expose());
    let damaged = |result: Result<_, Error>| assert_eq!(Some(Error::CorruptState), result.err());
    for length in 0..head.len() {
        damaged(SenderKeys::decode(&head[..length], &skipped));
    }
    for length in 0..skipped.len() {
        damaged(SenderKeys::decode(&head, &skipped[..length]));
    }
    for length in 0..own.len() {
        assert!(SenderKey::decode(&own.expose()[..length]).is_err());
    }
    damaged(SenderKeys::decode(&[&head[..], &[0]].concat(), &skipped));
    damaged(SenderKeys::decode(&head, &[&skipped[..], &[0]].concat()));
}

#[test]
fn the_skipped_part_changes_only_when_its_generation_does() {
    let mut alice = sender(1);
    let mut bob = receiver(&alice);
    let late = encrypt(&mut alice);
    let messages = [encrypt(&mut alice), encrypt(&mut alice), late];

    for message in messages {
        let (generation, [_, skipped]) = (bob.skipped_generation(), stored(&bob));
        open(&mut bob, &message).unwrap();
        assert_eq!(generation == bob.skipped_generation(), skipped == stored(&bob)[1]);
    }
    let generation = bob.skipped_generation();
    bob.accept(&sender(40).distribution(&GROUP));
    assert_ne!(generation, bob.skipped_generation());
}

#[test]
fn a_recorded_chain_of_another_version_or_key_is_refused() {
    let record = |version: u8, key_type: u8| {
        let chain = [&[0x12, 34, 0x12, 32][..], &[7; 32]].concat();
        let signing = [&[0x1a, 35, 0x0a, 33, key_type][..], &[9; 32]].concat();
        let state = [&[0x08, 1][..], &chain, &signing, &[0x28, version]].concat();
        [&[0x0a, u8::try_from(state.len()).unwrap()][..], &state].concat()
    };
    let read =
        |record: &[u8]| SenderKeyRecord::from_libsignal(record).map(|read| read.own.is_some());

    assert_eq!(Ok(false), read(&record(3, 5)));
    assert_eq!(Ok(false), read(&record(0, 5)));
    assert_eq!(Err(Error::UnsupportedVersion), read(&record(2, 5)));
    assert_eq!(Err(Error::InvalidKey), read(&record(3, 4)));
    assert_eq!(Err(Error::Malformed), read(&[record(3, 5), record(3, 5)].concat()));
}

/// Does the work backwards, as threads may.
struct Backwards;

impl Workers for Backwards {
    fn map<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        _: impl Fn(&T) -> usize,
        work: impl Fn(T, &mut dyn Random) -> R + Sync,
    ) -> Vec<R> {
        let mut done: Vec<R> =
            items.into_iter().rev().map(|item| work(item, &mut Counter(0))).collect();
        done.reverse();
        done
    }
}

#[test]
fn many_at_once_give_and_leave_what_one_after_the_other_does() {
    let mut alice = sender(1);
    let (mut alone, mut together) = (receiver(&alice), receiver(&alice));
    let mut messages: Vec<Vec<u8>> = (0..12).map(|_| encrypt(&mut alice)).collect();
    messages.swap(2, 9);
    messages.push(messages[5].clone());
    let forged = messages[7].len() - 1;
    messages[7][forged] ^= 1;
    messages.push(encrypt(&mut sender(2)));
    messages.push(b"noise".to_vec());
    let decoded: Vec<_> = messages.iter().map(|each| GroupMessage::decode(each)).collect();

    let expected: Vec<_> = messages.iter().map(|each| open(&mut alone, each)).collect();
    let opened = together.decrypt_many(&decoded, &Backwards);

    let opened: Vec<_> =
        opened.into_iter().map(|each| each.map(|plaintext| plaintext.expose().to_vec())).collect();
    assert_eq!(expected, opened);
    assert_eq!(stored(&alone), stored(&together));
}
