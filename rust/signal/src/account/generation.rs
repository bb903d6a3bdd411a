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
use e2ee_state::{Anchor, StoreError};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use super::draft::encoded;

const FORMAT_VERSION: u8 = 1;
const VALUE_VERSION: u8 = 1;
const STORE_ID_LEN: usize = 16;
/// How many past tokens a store keeps: a worker that so many others overtook, between its commit
/// and the anchor, can still tell its past from another.
const MAX_PAST: usize = 16;

/// One state of the store that could send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// How many transactions have spent message keys.
    pub(super) count: u64,
    /// What another past cannot have.
    random: [u8; 16],
}

impl Token {
    pub(super) fn after(count: u64, random: &mut dyn Random) -> Result<Self, Error> {
        let mut token =
            Self { count: count.checked_add(1).ok_or(Error::Exhausted)?, random: [0; 16] };
        random.fill(&mut token.random)?;
        Ok(token)
    }

    /// What the anchor of the store holds in this state.
    pub(super) fn value(self, store_id: &[u8; STORE_ID_LEN]) -> Vec<u8> {
        let count = self.count.to_be_bytes();
        [&[VALUE_VERSION][..], store_id, &count, &self.random].concat()
    }

    /// The token in an anchor's value; [`StoreError::WrongAnchor`] if it is not of this store.
    pub(super) fn of_value(
        value: &[u8],
        store_id: &[u8; STORE_ID_LEN],
    ) -> Result<Self, StoreError> {
        let wrong = |_| StoreError::WrongAnchor;
        let mut reader = RecordReader::new(value);
        if reader.u8().map_err(wrong)? != VALUE_VERSION
            || reader.array().map_err(wrong)? != store_id
        {
            return Err(StoreError::WrongAnchor);
        }
        let count = reader.u64().map_err(wrong)?;
        let token = Self { count, random: *reader.array().map_err(wrong)? };
        reader.finish().map_err(wrong)?;
        Ok(token)
    }
}

/// The record: the token of the store as it is, and those before it, newest first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Generation {
    pub(super) token: Token,
    pub(super) past: Vec<Token>,
}

impl Generation {
    /// The state behind this one, of a store whose anchor holds `held`, which stays in the past.
    pub(super) fn next(&self, held: Token, random: &mut dyn Random) -> Result<Self, Error> {
        let token = Token::after(self.token.count, random)?;
        let mut past = vec![self.token];
        past.extend(self.past.iter().take(MAX_PAST.saturating_sub(2)));
        if !past.contains(&held) {
            past.push(held);
        }
        Ok(Self { token, past })
    }

    pub(super) fn encode(&self) -> SecretBytes {
        encoded(|out| {
            out.push(FORMAT_VERSION);
            out.extend_from_slice(&self.token.count.to_be_bytes());
            out.extend_from_slice(&self.token.random);
            write_length(out, self.past.len());
            for past in &self.past {
                out.extend_from_slice(&past.count.to_be_bytes());
                out.extend_from_slice(&past.random);
            }
        })
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let token = Token { count: reader.u64()?, random: *reader.array()? };
        let mut past = Vec::new();
        for _ in 0..reader.length(MAX_PAST)? {
            past.push(Token { count: reader.u64()?, random: *reader.array()? });
        }
        reader.finish()?;
        Ok(Self { token, past })
    }

    /// What the anchor holds, if that is our token or one of those before it: all states behind that
    /// are ours alone, and nothing of them has left. Else [`StoreError::OffAnchor`].
    pub(super) fn compare(
        &self,
        store_id: &[u8; STORE_ID_LEN],
        anchor: &mut dyn Anchor,
    ) -> Result<Held, StoreError> {
        let value = anchor.read()?;
        let token = match &value {
            Some(value) => Token::of_value(value, store_id)?,
            None if self.past.is_empty() => return Ok(Held { token: None, value }),
            None => return Err(StoreError::OffAnchor),
        };
        if token == self.token || self.past.contains(&token) {
            Ok(Held { token: Some(token), value })
        } else {
            Err(StoreError::OffAnchor)
        }
    }

    /// Lets the anchor hold our token, which must be durable. Whoever made it died before that, or
    /// is about to do so.
    pub(super) fn settle(
        &self,
        held: Held,
        store_id: &[u8; STORE_ID_LEN],
        anchor: &mut dyn Anchor,
    ) -> Result<Held, StoreError> {
        if held.token == Some(self.token) {
            return Ok(held);
        }
        let ours = self.token.value(store_id);
        if anchor.advance(held.value.as_deref(), &ours)? || anchor.read()?.as_ref() == Some(&ours) {
            Ok(Held { token: Some(self.token), value: Some(ours) })
        } else {
            Err(StoreError::OffAnchor)
        }
    }

    /// Whether `other` is this state or one before it, and the anchor holds one that came after
    /// `other`: then the step that made `other` counts, though the anchor never held it.
    pub(super) fn vouches_for(
        &self,
        other: &[u8],
        held: &[u8],
        store_id: &[u8; STORE_ID_LEN],
    ) -> bool {
        let line = || core::iter::once(&self.token).chain(&self.past);
        let at = |value: &[u8]| line().position(|token| token.value(store_id) == value);
        matches!((at(held), at(other)), (Some(held), Some(other)) if held <= other)
    }
}

/// What an anchor holds.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) token: Option<Token>,
    pub(super) value: Option<Vec<u8>>,
}

/// What the anchor must be told of before a result may leave.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) old: Option<Vec<u8>>,
    pub(super) new: Vec<u8>,
}
