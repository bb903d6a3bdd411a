// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a received message means to the braid (spqr.md §7.2, §7.3 and §8).
//!
//! The message has been authenticated before. All that can still be wrong is judged first, from
//! the state as it is; a refused message leaves that state, and a better chunk may yet complete
//! the same object.

use e2ee_primitives::{
    Secret,
    mlkem768::{self, DecapsulationKey},
};
use e2ee_wire::Error;

use super::{
    super::{
        authenticator::{Authenticated, Authenticator, epoch_secret},
        erasure::{Addition, Chunk, Decoder, Encoder},
        message::{Message, Payload},
    },
    Braid, Encapsulation, State, join, split,
};

impl Braid {
    /// Refuses an epoch that the peer cannot be in; late messages of older epochs pass.
    pub(in super::super) fn check_epoch(&self, epoch: u64) -> Result<(), Error> {
        if epoch <= self.epoch || self.is_next_epoch(epoch) {
            Ok(())
        } else {
            Err(Error::Malformed)
        }
    }

    /// Only the side that sends the last object may learn from a new epoch that it has arrived.
    fn is_next_epoch(&self, epoch: u64) -> bool {
        matches!(self.state, State::Ct2Sampled { .. }) && self.epoch.checked_add(1) == Some(epoch)
    }

    /// Takes the message's payload in; gives this epoch's secret if the payload completed it.
    pub(in super::super) fn receive(
        &mut self,
        message: &Message,
    ) -> Result<Option<Secret<32>>, Error> {
        self.check_epoch(message.epoch())?;
        let meaning = if self.is_next_epoch(message.epoch()) {
            Meaning::NextEpoch(message.epoch())
        } else if message.epoch() == self.epoch {
            self.judge(message.payload())?
        } else {
            Meaning::Nothing
        };
        Ok(self.apply(meaning))
    }

    fn judge(&self, payload: &Payload) -> Result<Meaning, Error> {
        match (&self.state, payload) {
            (State::KeysSampled { .. }, Payload::Ct1(chunk))
            | (State::Ct1Received { .. }, Payload::Ct2(chunk)) => {
                Ok(Meaning::Turn(Turn::FirstChunk(*chunk)))
            }
            (State::HeaderSent { ct1, .. }, Payload::Ct1(chunk)) => Ok(ct1
                .completed_by(chunk)?
                .map_or(Meaning::Chunk(*chunk), |ct1| Turn::Ct1(ct1).into())),
            (State::EkSentCt1Received { key, ct1, ct2 }, Payload::Ct2(chunk)) => ct2
                .completed_by(chunk)?
                .map_or(Ok(Meaning::Chunk(*chunk)), |ct2| self.decapsulate(key, ct1, &ct2)),
            (State::NoHeaderReceived { header }, Payload::Header(chunk)) => header
                .completed_by(chunk)?
                .map_or(Ok(Meaning::Chunk(*chunk)), |header| self.check_header(&header)),
            _ => self.judge_vector(payload),
        }
    }

    /// The side with the ciphertext, from its making on.
    fn judge_vector(&self, payload: &Payload) -> Result<Meaning, Error> {
        match (&self.state, payload) {
            (State::Ct1Sampled { encapsulation, vector, .. }, Payload::Vector(chunk)) => {
                let Some(vector) = vector.completed_by(chunk)? else {
                    return Ok(Meaning::Chunk(*chunk));
                };
                encapsulation.check(&vector)?;
                Ok(Turn::Vector(vector).into())
            }
            (State::Ct1Sampled { encapsulation, ct1, vector }, Payload::VectorAndCt1Ack(chunk)) => {
                let Some(vector) = vector.completed_by(chunk)? else {
                    return Ok(Turn::Acknowledged(*chunk).into());
                };
                encapsulation.check(&vector)?;
                Ok(self.second_part(encapsulation, ct1.object(), &vector))
            }
            (
                State::Ct1Acknowledged { encapsulation, ct1, vector },
                Payload::Vector(chunk) | Payload::VectorAndCt1Ack(chunk),
            ) => {
                let Some(vector) = vector.completed_by(chunk)? else {
                    return Ok(Meaning::Chunk(*chunk));
                };
                encapsulation.check(&vector)?;
                Ok(self.second_part(encapsulation, ct1, &vector))
            }
            (
                State::EkReceivedCt1Sampled { encapsulation, ct1, vector },
                Payload::VectorAndCt1Ack(_) | Payload::Ct1Ack,
            ) => Ok(self.second_part(encapsulation, ct1.object(), vector)),
            _ => Ok(Meaning::Nothing),
        }
    }

    fn check_header(&self, object: &[u8; 96]) -> Result<Meaning, Error> {
        let (header, tag) = split::<64, 32, 96>(object);
        if !self.authenticator.verify(self.epoch, &Authenticated::Header(&header), &tag) {
            return Err(Error::Forged);
        }
        Ok(Turn::Header(Box::new(header)).into())
    }

    /// The ciphertext's MAC, under the key that its own secret made, confirms that secret.
    fn decapsulate(
        &self,
        key: &DecapsulationKey,
        ct1: &[u8; 960],
        object: &[u8; 160],
    ) -> Result<Meaning, Error> {
        let (ct2, tag) = split::<128, 32, 160>(object);
        let secret = epoch_secret(self.epoch, &key.decapsulate(ct1, &ct2));
        let authenticator = self.authenticator.updated(self.epoch, &secret);
        if !authenticator.verify(self.epoch, &Authenticated::Ciphertext(ct1, &ct2), &tag) {
            return Err(Error::Forged);
        }
        let epoch = self.epoch.checked_add(1).ok_or(Error::Exhausted)?;
        Ok(Meaning::Secret { epoch, authenticator, secret })
    }

    fn second_part(
        &self,
        encapsulation: &Encapsulation,
        ct1: &[u8; 960],
        vector: &[u8; 1152],
    ) -> Meaning {
        let Encapsulation { header, message } = encapsulation;
        let ct2 = mlkem768::encapsulate2(header, message, vector);
        let tag = self.authenticator.tag(self.epoch, &Authenticated::Ciphertext(ct1, &ct2));
        Turn::Ct2(Box::new(join(&ct2, &tag))).into()
    }

    fn apply(&mut self, meaning: Meaning) -> Option<Secret<32>> {
        match meaning {
            Meaning::Nothing => None,
            Meaning::Chunk(chunk) => {
                match self.state.add(&chunk) {
                    Addition::Nothing => {}
                    Addition::Added => self.generations.added += 1,
                    Addition::Replaced => self.generations.replaced += 1,
                }
                None
            }
            Meaning::Turn(turn) => {
                let state = core::mem::replace(&mut self.state, State::KeysUnsampled);
                self.turn(state.after(turn));
                None
            }
            Meaning::Secret { epoch, authenticator, secret } => {
                self.epoch = epoch;
                self.authenticator = authenticator;
                self.turn(State::NoHeaderReceived { header: Decoder::new() });
                Some(secret)
            }
            Meaning::NextEpoch(epoch) => {
                self.epoch = epoch;
                self.turn(State::KeysUnsampled);
                None
            }
        }
    }
}

impl Encapsulation {
    /// The vector must be the one that the header authenticated (spqr.md §5).
    fn check(&self, vector: &[u8; 1152]) -> Result<(), Error> {
        if mlkem768::check(&self.header, vector) { Ok(()) } else { Err(Error::Forged) }
    }
}

impl State {
    /// Keeps a chunk that completes nothing.
    fn add(&mut self, chunk: &Chunk) -> Addition {
        match self {
            Self::HeaderSent { ct1, .. } => ct1.add(chunk),
            Self::EkSentCt1Received { ct2, .. } => ct2.add(chunk),
            Self::NoHeaderReceived { header } => header.add(chunk),
            Self::Ct1Sampled { vector, .. } | Self::Ct1Acknowledged { vector, .. } => {
                vector.add(chunk)
            }
            _ => Addition::Nothing,
        }
    }

    /// The next state within the epoch.
    fn after(self, turn: Turn) -> Self {
        match (self, turn) {
            (Self::KeysSampled { key, .. }, Turn::FirstChunk(chunk)) => {
                let vector = Encoder::new(key.vector(), 0);
                Self::HeaderSent { key, vector, ct1: Decoder::starting_with(chunk) }
            }
            (Self::HeaderSent { key, vector, .. }, Turn::Ct1(ct1)) => {
                Self::Ct1Received { key, ct1, vector }
            }
            (Self::Ct1Received { key, ct1, .. }, Turn::FirstChunk(chunk)) => {
                Self::EkSentCt1Received { key, ct1, ct2: Decoder::starting_with(chunk) }
            }
            (Self::NoHeaderReceived { .. }, Turn::Header(header)) => {
                Self::HeaderReceived { header }
            }
            (Self::Ct1Sampled { encapsulation, ct1, .. }, Turn::Vector(vector)) => {
                Self::EkReceivedCt1Sampled { encapsulation, ct1, vector }
            }
            (Self::Ct1Sampled { encapsulation, ct1, mut vector }, Turn::Acknowledged(chunk)) => {
                vector.add(&chunk);
                Self::Ct1Acknowledged { encapsulation, ct1: ct1.into_object(), vector }
            }
            (_, Turn::Ct2(ct2)) => Self::Ct2Sampled { ct2: Encoder::new(ct2, 0) },
            // Only the judge makes turns, each for the state that it looked at.
            (state, _) => state,
        }
    }
}

/// What a payload means, fully judged: nothing of it can fail any more.
enum Meaning {
    /// It is repeated, late, or not for this state.
    Nothing,
    /// A chunk to keep.
    Chunk(Chunk),
    /// The next state within the epoch.
    Turn(Turn),
    /// The ciphertext is complete and its MAC right: the next epoch, with roles exchanged.
    Secret { epoch: u64, authenticator: Authenticator, secret: Secret<32> },
    /// The peer is in the next epoch, so it has the ciphertext.
    NextEpoch(u64),
}

/// The next state within the epoch, and the object that leads there.
enum Turn {
    FirstChunk(Chunk),
    Ct1(Box<[u8; 960]>),
    Header(Box<[u8; 64]>),
    Vector(Box<[u8; 1152]>),
    /// The peer has the first ciphertext part; a chunk of the vector comes with the word.
    Acknowledged(Chunk),
    Ct2(Box<[u8; 160]>),
}

impl From<Turn> for Meaning {
    fn from(turn: Turn) -> Self {
        Self::Turn(turn)
    }
}
