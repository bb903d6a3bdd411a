// SPDX-License-Identifier: MIT OR Apache-2.0
//! Two people with sessions, for the tests of this crate.

use e2ee_primitives::{random::Random, sha, x25519};
use e2ee_wire::Error;

use crate::{
    account::Account,
    message::{NormalMessage, PreKeyMessage},
    session::{Ciphertext, Session, envelope_budget},
};

/// Bytes that never come twice.
pub(crate) struct Counter(pub(crate) u64);

impl Random for Counter {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&sha::sha256(&[&self.0.to_be_bytes()])[..chunk.len()]);
        }
        Ok(())
    }
}

/// A random source that has failed.
pub(crate) struct Broken;

impl Random for Broken {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::RandomUnavailable)
    }
}

/// An account with one one-time key, which is given too.
pub(crate) fn account(random: &mut Counter) -> (Account, x25519::PublicKey) {
    let mut account = Account::generate(random).unwrap();
    account.one_time_keys_mut().generate(1, random).unwrap();
    let (_, key) = account.one_time_keys().unpublished().next().unwrap();
    let key = *key;
    (account, key)
}

/// The initiator's session, before its first message, and the responder's account.
pub(crate) fn initiated(random: &mut Counter) -> (Session, Account) {
    let (responder, one_time_key) = account(random);
    let (initiator, _) = account(random);
    let session = initiator.initiate(responder.identity_key(), &one_time_key, random).unwrap();
    (session, responder)
}

/// Both sessions, after the first message: the initiator's and the responder's.
pub(crate) fn connected(random: &mut Counter) -> (Session, Session) {
    let (mut initiator, mut account) = initiated(random);
    let first = bytes(initiator.encrypt(b"first", random).unwrap());
    let message = PreKeyMessage::decode(&first).unwrap();
    let (responder, _) = account.accept(None, &message, &mut envelope_budget()).unwrap();
    (initiator, responder)
}

pub(crate) fn bytes(ciphertext: Ciphertext) -> Vec<u8> {
    match ciphertext {
        Ciphertext::PreKey(bytes) | Ciphertext::Normal(bytes) => bytes,
    }
}

pub(crate) fn send(from: &mut Session, text: &[u8], random: &mut Counter) -> Ciphertext {
    from.encrypt(text, random).unwrap()
}

pub(crate) fn receive(to: &mut Session, message: &Ciphertext) -> Result<Vec<u8>, Error> {
    let budget = &mut envelope_budget();
    let opened = match message {
        Ciphertext::PreKey(bytes) => to.decrypt_prekey(&PreKeyMessage::decode(bytes)?, budget),
        Ciphertext::Normal(bytes) => to.decrypt(&NormalMessage::decode(bytes)?, budget),
    };
    opened.map(|plaintext| plaintext.expose().to_vec())
}

/// One message each way, which makes a new ratchet key at both ends.
pub(crate) fn turn(one: &mut Session, other: &mut Session, random: &mut Counter) {
    let message = send(one, b"there", random);
    receive(other, &message).unwrap();
    let message = send(other, b"back", random);
    receive(one, &message).unwrap();
}
