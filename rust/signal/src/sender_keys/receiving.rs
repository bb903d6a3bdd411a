// SPDX-License-Identifier: MIT OR Apache-2.0
//! The chains of one sender of a group, as we follow them (signal.md §9; stored as
//! docs/formats.md, "Received sender keys", says).

use e2ee_primitives::{
    Secret, cbc_hmac::cbc_decrypt, secret::SecretBytes, x25519, xeddsa::VerifyingKey,
};
use e2ee_ratchet::{Budget, Chain, Receiver, skipped::Skipped};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use crate::{
    account::Workers,
    limits::{MAX_SENDER_KEY_JUMP, MAX_SENDER_KEY_STATES},
};

use super::{DistributionMessage, GroupMessage, message_keys};

const FORMAT_VERSION: u8 = 1;
/// Bytes of a chain in the head: id, signing key, chain key, index.
const STATE_LEN: usize = 4 + 32 + 32 + 4;
/// How many pairwise messages the signature of a message takes as long as.
const SIGNATURE_WEIGHT: usize = 8;
/// Bytes of a skipped seed with its index.
const SEED_LEN: usize = 4 + 32;

/// All chains of one sender for one distribution, newest first.
#[derive(Debug)]
pub struct SenderKeys {
    states: Vec<State>,
    /// Changes when a chain with skipped seeds goes or moves.
    moved: u64,
}

/// A message that the signer of its chain has signed.
struct Verified<'a>(&'a GroupMessage<'a>);

/// One chain.
#[derive(Debug)]
pub(super) struct State {
    pub(super) chain_id: u32,
    pub(super) signing_key: VerifyingKey,
    pub(super) receiver: Receiver<Chain>,
}

impl SenderKeys {
    /// No chain yet.
    #[must_use]
    pub const fn none() -> Self {
        Self { states: Vec::new(), moved: 0 }
    }

    pub(super) const fn from_states(states: Vec<State>) -> Self {
        Self { states, moved: 0 }
    }

    /// How many chains are kept.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there is no chain.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Changes whenever the stored form of the skipped seeds would.
    #[must_use]
    pub fn skipped_generation(&self) -> u64 {
        let generations = self.states.iter().map(|state| state.receiver.skipped_generation());
        generations.fold(self.moved, u64::wrapping_add)
    }

    /// Takes a chain in, which came from its sender through a pairwise session.
    ///
    /// A chain that is known stays as it is and moves to the front, so that no message opens
    /// twice; another one of the same id is replaced; the oldest gives way (signal.md §9).
    pub fn accept(&mut self, distribution: &DistributionMessage) {
        self.moved = self.skipped_generation().wrapping_add(1);
        let known = self.states.iter().position(|state| {
            state.chain_id == distribution.chain_id
                && *state.signing_key.key() == distribution.signing_key
        });
        let state = known.map(|position| self.states.remove(position));
        self.states.retain(|state| state.chain_id != distribution.chain_id);
        self.states.truncate(MAX_SENDER_KEY_STATES.saturating_sub(1));
        self.states.insert(0, state.unwrap_or_else(|| State::new(distribution)));
    }

    /// Verifies the signature, then moves the chain to the message and decrypts it.
    ///
    /// [`Error::NoSenderKey`] if its chain is not known, [`Error::Forged`] if the message does not
    /// verify or decrypt, [`Error::Duplicate`] if it was opened before or its seed forgotten,
    /// [`Error::TooFarAhead`] beyond the limit of a jump. An error has changed nothing.
    pub fn decrypt(&mut self, message: &GroupMessage<'_>) -> Result<SecretBytes, Error> {
        let verified = self.verify(message)?;
        self.open(&verified)
    }

    /// What [`SenderKeys::decrypt`] would make of each message, one after the other; the workers
    /// share their signatures, which are nearly all of the work.
    ///
    /// A message that came as an error keeps its place with it.
    pub fn decrypt_many(
        &mut self,
        messages: &[Result<GroupMessage<'_>, Error>],
        workers: &impl Workers,
    ) -> Vec<Result<SecretBytes, Error>> {
        // Which chains there are, and who signs in them, no message changes.
        let verified = workers.map(
            messages.iter().collect(),
            |_| SIGNATURE_WEIGHT,
            |message, _| message.as_ref().map_err(|error| *error).and_then(|it| self.verify(it)),
        );
        verified.into_iter().map(|verified| self.open(&verified?)).collect()
    }

    fn verify<'a>(&self, message: &'a GroupMessage<'a>) -> Result<Verified<'a>, Error> {
        let state = self.states.iter().find(|state| state.chain_id == message.chain_id);
        let key = &state.ok_or(Error::NoSenderKey)?.signing_key;
        let verdict = key.verify(&[message.signed], message.signature);
        verdict.map(|()| Verified(message)).map_err(|_| Error::Forged)
    }

    fn open(&mut self, Verified(message): &Verified<'_>) -> Result<SecretBytes, Error> {
        let mut states = self.states.iter_mut();
        let state = states.find(|state| state.chain_id == message.chain_id);
        let state = state.ok_or(Error::NoSenderKey)?;
        let mut budget = Budget::new(MAX_SENDER_KEY_JUMP.saturating_add(1));
        let plan = state.receiver.plan(message.index, &mut budget)?;
        let (iv, key) = message_keys(plan.seed());
        let plaintext = cbc_decrypt(&key, iv.expose(), message.body)?;
        state.receiver.commit(plan);
        Ok(plaintext)
    }

    /// The head behind `prefix`: the chains without their skipped seeds.
    #[must_use]
    pub fn encode_head(&self, prefix: &[u8]) -> SecretBytes {
        let length = self.states.len().saturating_mul(STATE_LEN).saturating_add(5);
        let mut out = Vec::with_capacity(prefix.len().saturating_add(length));
        out.extend_from_slice(prefix);
        out.push(FORMAT_VERSION);
        write_length(&mut out, self.states.len());
        for State { chain_id, signing_key, receiver } in &self.states {
            out.extend_from_slice(&chain_id.to_be_bytes());
            out.extend_from_slice(signing_key.key().as_bytes());
            out.extend_from_slice(receiver.ratchet().key().expose());
            out.extend_from_slice(&receiver.ratchet().index().to_be_bytes());
        }
        SecretBytes::new(out)
    }

    /// The skipped seeds of each chain, in the order of the head.
    #[must_use]
    pub fn encode_skipped(&self) -> SecretBytes {
        let seeds: usize = self.states.iter().map(|state| state.receiver.skipped().len()).sum();
        let length = seeds.saturating_mul(SEED_LEN).saturating_add(1 + 4 * MAX_SENDER_KEY_STATES);
        let mut out = Vec::with_capacity(length);
        out.push(FORMAT_VERSION);
        for state in &self.states {
            state.receiver.skipped().encode(&mut out);
        }
        SecretBytes::new(out)
    }

    /// Reads both parts back; [`Error::CorruptState`] if they are not what
    /// [`SenderKeys::encode_head`] and [`SenderKeys::encode_skipped`] write.
    pub fn decode(head: &[u8], skipped: &[u8]) -> Result<Self, Error> {
        let (mut head, mut skipped) = (RecordReader::new(head), RecordReader::new(skipped));
        if [head.u8()?, skipped.u8()?] != [FORMAT_VERSION; 2] {
            return Err(Error::CorruptState);
        }
        let count = head.length(MAX_SENDER_KEY_STATES)?;
        let mut states: Vec<State> = Vec::with_capacity(count);
        for _ in 0..count {
            let state = State::decode(&mut head, &mut skipped)?;
            if states.iter().any(|other| other.chain_id == state.chain_id) {
                return Err(Error::CorruptState);
            }
            states.push(state);
        }
        head.finish()?;
        skipped.finish()?;
        Ok(Self::from_states(states))
    }
}

impl State {
    fn new(distribution: &DistributionMessage) -> Self {
        let chain = Chain::new(distribution.chain_key.duplicate(), distribution.index);
        Self {
            chain_id: distribution.chain_id,
            signing_key: VerifyingKey::new(distribution.signing_key),
            receiver: Receiver::new(chain),
        }
    }

    fn decode(head: &mut RecordReader<'_>, skipped: &mut RecordReader<'_>) -> Result<Self, Error> {
        let chain_id = head.u32()?;
        let signing_key = VerifyingKey::new(x25519::PublicKey::new(*head.array()?));
        let chain_key = Secret::new(*head.array()?);
        let index = head.u32()?;
        let skipped = Skipped::decode(skipped, index)?;
        let receiver = Receiver::from_parts(Chain::new(chain_key, index), skipped);
        Ok(Self { chain_id, signing_key, receiver })
    }
}
