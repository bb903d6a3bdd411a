// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sender-key records as libsignal stores them (signal.md §8.1, "sender-key record").

use e2ee_primitives::{Secret, x25519, xeddsa::VerifyingKey};
use e2ee_ratchet::{
    Chain, Receiver,
    skipped::{MAX_SKIPPED_SEEDS, Skipped},
};
use e2ee_wire::{Error, protobuf::Fields};

use crate::{keys::decode_ec, limits::MAX_SENDER_KEY_STATES};

use super::{MAJOR_VERSION, SenderKey, SenderKeys, receiving::State};

/// What a record of the reference client holds for one sender and distribution.
#[derive(Debug)]
pub struct SenderKeyRecord {
    /// All chains, newest first.
    pub received: SenderKeys,
    /// The newest chain with its private signing key, if the record is of one's own.
    pub own: Option<SenderKey>,
}

impl SenderKeyRecord {
    /// Reads a record.
    ///
    /// [`Error::Malformed`] if it is none, [`Error::UnsupportedVersion`] for chains of another
    /// version than 3, [`Error::InvalidKey`] for a key of another type or length, or a private one
    /// that does not belong to its public half.
    pub fn from_libsignal(record: &[u8]) -> Result<Self, Error> {
        let mut states: Vec<State> = Vec::new();
        let mut own = None;
        let mut fields = Fields::new(record);
        while let Some((number, value)) = fields.next_field()? {
            if number != 1 {
                continue;
            }
            let (state, private) = RecordedState::read(value.bytes()?)?.finish()?;
            if states.is_empty() {
                own = private.map(|key| {
                    let (chain_key, index) = chain_of(&state);
                    SenderKey::from_parts(state.chain_id, Chain::new(chain_key, index), key)
                });
            }
            if states.iter().any(|other| other.chain_id == state.chain_id) {
                return Err(Error::Malformed);
            }
            states.push(state);
        }
        if states.len() > MAX_SENDER_KEY_STATES {
            return Err(Error::Malformed);
        }
        Ok(Self { received: SenderKeys::from_states(states), own })
    }
}

fn chain_of(state: &State) -> (Secret<32>, u32) {
    let chain = state.receiver.ratchet();
    (chain.key().duplicate(), chain.index())
}

/// The fields of a sender-key state; absent numbers are 0.
#[derive(Default)]
struct RecordedState<'a> {
    chain_id: u32,
    version: u32,
    chain: Numbered<'a>,
    public: Option<&'a [u8]>,
    private: Option<&'a [u8]>,
    skipped: Vec<Numbered<'a>>,
}

/// {1: index, 2: chain key or seed}.
#[derive(Default)]
struct Numbered<'a> {
    index: u32,
    key: Option<&'a [u8]>,
}

impl<'a> RecordedState<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut state = Self::default();
        let mut fields = Fields::new(bytes);
        while let Some((number, value)) = fields.next_field()? {
            match number {
                1 => state.chain_id = value.u32()?,
                2 => state.chain = Numbered::read(value.bytes()?)?,
                3 => (state.public, state.private) = key_pair(value.bytes()?)?,
                4 => state.skipped.push(Numbered::read(value.bytes()?)?),
                5 => state.version = value.u32()?,
                _ => {}
            }
        }
        Ok(state)
    }

    fn finish(self) -> Result<(State, Option<x25519::PrivateKey>), Error> {
        if self.version != 0 && self.version != u32::from(MAJOR_VERSION) {
            return Err(Error::UnsupportedVersion);
        }
        let signing_key = decode_ec(self.public.ok_or(Error::Malformed)?)?;
        let private = self.private.filter(|bytes| !bytes.is_empty());
        let private = private.map(|bytes| private_key(bytes, &signing_key)).transpose()?;
        let chain = Chain::new(self.chain.secret()?, self.chain.index);
        let skipped = skipped_seeds(&self.skipped, self.chain.index)?;
        let receiver = Receiver::from_parts(chain, skipped);
        let signing_key = VerifyingKey::new(signing_key);
        Ok((State { chain_id: self.chain_id, signing_key, receiver }, private))
    }
}

impl<'a> Numbered<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut numbered = Self::default();
        let mut fields = Fields::new(bytes);
        while let Some((number, value)) = fields.next_field()? {
            match number {
                1 => numbered.index = value.u32()?,
                2 => numbered.key = Some(value.bytes()?),
                _ => {}
            }
        }
        Ok(numbered)
    }

    fn secret(&self) -> Result<Secret<32>, Error> {
        self.key.and_then(Secret::from_slice).ok_or(Error::Malformed)
    }
}

/// Public and private half of {1: public, 2: private}.
type KeyPair<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

fn key_pair(bytes: &[u8]) -> Result<KeyPair<'_>, Error> {
    let (mut public, mut private) = (None, None);
    let mut fields = Fields::new(bytes);
    while let Some((number, value)) = fields.next_field()? {
        match number {
            1 => public = Some(value.bytes()?),
            2 => private = Some(value.bytes()?),
            _ => {}
        }
    }
    Ok((public, private))
}

fn private_key(bytes: &[u8], public: &x25519::PublicKey) -> Result<x25519::PrivateKey, Error> {
    let secret = Secret::<32>::from_slice(bytes).ok_or(Error::InvalidKey)?;
    let key = x25519::PrivateKey::from_bytes(secret.expose());
    if key.public() == public { Ok(key) } else { Err(Error::InvalidKey) }
}

/// The newest of the seeds, which the client keeps oldest first.
fn skipped_seeds(recorded: &[Numbered<'_>], next_index: u32) -> Result<Skipped, Error> {
    let ascending = recorded.is_sorted_by(|older, newer| older.index < newer.index);
    if !ascending || recorded.last().is_some_and(|newest| newest.index >= next_index) {
        return Err(Error::Malformed);
    }
    let mut seeds = Vec::with_capacity(recorded.len().min(MAX_SKIPPED_SEEDS));
    for entry in recorded.iter().skip(recorded.len().saturating_sub(MAX_SKIPPED_SEEDS)) {
        seeds.push((entry.index, entry.secret()?));
    }
    let mut skipped = Skipped::none();
    skipped.extend(seeds);
    Ok(skipped)
}
