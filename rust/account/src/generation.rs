// SPDX-License-Identifier: MIT OR Apache-2.0
//! The generation: which state of the store may send (docs/storage.md, "Anchor"; docs/formats.md,
//! "Generation").
//!
//! Each transaction that spends a message key of ours makes a new token, and the anchor outside the
//! store must hold it before a result leaves. A store that was put back, or that runs twice, has
//! tokens of another past.
//!
//! ```text
//!   begin: the anchor holds our token, or one before it (then it is told of ours)
//!   ──► the row gets the next token ──► commit ──► the anchor is told ──► the result leaves
//! ```

use e2ee_primitives::{random::Random, secret::SecretBytes};
use e2ee_state::{Anchor, StoreError, Timeline};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use crate::{
    anchor_value::{AnchorValue, STORE_ID_LEN},
    draft::encoded,
};

const FORMAT_VERSION: u8 = 1;
/// How many past tokens a store keeps: a worker that so many others overtook, between its commit
/// and the anchor, can still tell its past from another.
const MAX_PAST: usize = 16;

/// One state of the store that could send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// How many transactions have spent message keys.
    pub count: u64,
    /// What another past cannot have.
    random: [u8; 16],
}

impl Token {
    /// A new token behind `count` transactions.
    pub fn after(count: u64, random: &mut dyn Random) -> Result<Self, Error> {
        let mut token =
            Self { count: count.checked_add(1).ok_or(Error::Exhausted)?, random: [0; 16] };
        random.fill(&mut token.random)?;
        Ok(token)
    }

    /// Appends the 24 bytes of the token.
    pub fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.count.to_be_bytes());
        out.extend_from_slice(&self.random);
    }

    /// Reads them back.
    pub fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        Ok(Self { count: reader.u64()?, random: *reader.array()? })
    }
}

/// The record: the token of the store as it is, and those before it, newest first.
#[derive(Debug, PartialEq, Eq)]
pub struct Generation {
    /// Of the store as it is.
    pub token: Token,
    /// Those before it.
    pub past: Vec<Token>,
}

impl Generation {
    /// The state behind this one, of a store whose anchor holds `held`, which stays in the past.
    pub fn next(&self, held: Token, random: &mut dyn Random) -> Result<Self, Error> {
        let token = Token::after(self.token.count, random)?;
        let mut past = vec![self.token];
        past.extend(self.past.iter().take(MAX_PAST.saturating_sub(2)));
        if !past.contains(&held) {
            past.push(held);
        }
        Ok(Self { token, past })
    }

    /// The content of the record.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        encoded(|out| {
            out.push(FORMAT_VERSION);
            self.token.encode(out);
            write_length(out, self.past.len());
            for past in &self.past {
                past.encode(out);
            }
        })
    }

    /// Reads it back.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let token = Token::decode(&mut reader)?;
        let mut past = Vec::new();
        for _ in 0..reader.length(MAX_PAST)? {
            past.push(Token::decode(&mut reader)?);
        }
        reader.finish()?;
        Ok(Self { token, past })
    }

    /// What the anchor holds, if that is our token or one of those before it: all states behind that
    /// are ours alone, and nothing of them has left. Else [`StoreError::OffAnchor`], as for a server
    /// that another one has taken over from: what is written there is lost.
    pub fn compare(
        &self,
        store_id: &[u8; STORE_ID_LEN],
        anchor: &mut dyn Anchor,
        server: Option<Timeline>,
    ) -> Result<Held, StoreError> {
        let value = anchor.read()?;
        let told = match &value {
            Some(value) => AnchorValue::decode(value, store_id)?,
            None if self.past.is_empty() => return Ok(Held { told: None, value, server }),
            None => return Err(StoreError::OffAnchor),
        };
        let is_ours = told.token == self.token || self.past.contains(&told.token);
        let is_superseded =
            told.timeline.zip(server).is_some_and(|(known, server)| known.is_later_than(server));
        if is_ours && !is_superseded {
            Ok(Held { told: Some(told), value, server })
        } else {
            Err(StoreError::OffAnchor)
        }
    }

    /// Lets the anchor hold our token, which must be durable, and the server's timeline. Whoever
    /// made the token died before that, or is about to do so; or the server has just taken over.
    pub fn settle(
        &self,
        held: Held,
        store_id: &[u8; STORE_ID_LEN],
        anchor: &mut dyn Anchor,
    ) -> Result<Held, StoreError> {
        let Held { told, value, server } = held;
        let ours = AnchorValue { token: self.token, timeline: server };
        if told.is_some_and(|told| told.says(ours)) {
            return Ok(Held { told, value, server });
        }
        let new = ours.encode(store_id);
        if anchor.advance(value.as_deref(), &new)? || anchor.read()?.as_ref() == Some(&new) {
            Ok(Held { told: Some(ours), value: Some(new), server })
        } else {
            Err(StoreError::OffAnchor)
        }
    }

    /// Whether `other` is this state or one before it, and the anchor holds one that came after
    /// `other`: then the step that made `other` counts, though the anchor never held it.
    #[must_use]
    pub fn vouches_for(&self, other: &[u8], held: &[u8], store_id: &[u8; STORE_ID_LEN]) -> bool {
        let line = || core::iter::once(&self.token).chain(&self.past);
        let at = |value: &[u8]| {
            let told = AnchorValue::decode(value, store_id).ok()?;
            line().position(|token| *token == told.token)
        };
        matches!((at(held), at(other)), (Some(held), Some(other)) if held <= other)
    }
}

/// What an anchor holds, and the timeline of the server that it was asked from.
#[derive(Debug)]
pub struct Held {
    /// What it was told, if anything.
    pub told: Option<AnchorValue>,
    /// The same as it stands there.
    pub value: Option<Vec<u8>>,
    /// The timeline.
    pub server: Option<Timeline>,
}

/// What the anchor must be told of before a result may leave.
#[derive(Debug)]
pub struct Moved {
    /// What it holds.
    pub old: Option<Vec<u8>>,
    /// What it must hold.
    pub new: Vec<u8>,
}
