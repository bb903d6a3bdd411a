// SPDX-License-Identifier: MIT OR Apache-2.0
//! The state of a chat as it is stored (docs/formats.md, "Secret chat").

use std::collections::BTreeSet;

use e2ee_primitives::SecretBytes;
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use crate::{
    counts::Counts,
    keys::Keys,
    limits::{LEAST_LAYER, MAX_GAP, MAX_MESSAGES, NEWEST_LAYER},
    role::Role,
};

use super::{Chat, Used};

const FORMAT_VERSION: u8 = 1;
/// Bytes that are enough for all but lists, so that no secret is left where a vector has grown.
pub(super) const USUAL_LEN: usize = 1_280;

impl Chat {
    /// The state as a record.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        let lists = [&self.waiting, &self.served, &self.replaced, &self.again];
        let listed: usize = lists.iter().map(|list| list.len()).sum();
        let mut out = Vec::with_capacity(USUAL_LEN.saturating_add(listed.saturating_mul(4)));
        out.push(FORMAT_VERSION);
        out.push(self.role.code());
        out.extend_from_slice(&self.our_layer.to_be_bytes());
        out.extend_from_slice(&self.their_layer.to_be_bytes());
        out.extend_from_slice(&self.named_layer.to_be_bytes());
        self.counts.encode(&mut out);
        self.keys.encode(&mut out);
        out.extend_from_slice(&self.used.messages.to_be_bytes());
        out.extend_from_slice(&self.used.since_ms.to_be_bytes());
        out.extend_from_slice(&self.posted.to_be_bytes());
        for list in lists {
            write_length(&mut out, list.len());
            for number in list {
                out.extend_from_slice(&number.to_be_bytes());
            }
        }
        SecretBytes::new(out)
    }

    /// Reads a state back; [`Error::CorruptState`] if none has this form.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let chat = Self {
            role: Role::of_code(reader.u8()?)?,
            our_layer: i32::from_be_bytes(*reader.array()?),
            their_layer: i32::from_be_bytes(*reader.array()?),
            named_layer: i32::from_be_bytes(*reader.array()?),
            counts: Counts::decode(&mut reader)?,
            keys: Keys::decode(&mut reader)?,
            used: Used { messages: reader.u32()?, since_ms: reader.u64()? },
            posted: reader.u32()?,
            waiting: numbers(&mut reader)?,
            served: numbers(&mut reader)?,
            replaced: numbers(&mut reader)?,
            again: numbers(&mut reader)?,
        };
        reader.finish()?;
        if chat.is_sound() { Ok(chat) } else { Err(Error::CorruptState) }
    }

    /// Whether all numbers lie where a chat can have them.
    fn is_sound(&self) -> bool {
        let Counts { sent, acknowledged, received } = self.counts;
        let after_gap = received.saturating_add(MAX_GAP);
        let is_ahead = |number: &u32| *number > received && *number <= after_gap;
        let is_held = |number: &u32| (acknowledged..sent).contains(number);
        self.our_layer <= NEWEST_LAYER
            && self.named_layer >= LEAST_LAYER
            && self.their_layer >= self.named_layer
            && (acknowledged..=sent).contains(&self.posted)
            && self.waiting.iter().all(is_ahead)
            && self.served.is_subset(&self.waiting)
            && self.replaced.iter().all(is_held)
            && self.again.iter().all(is_held)
    }
}

/// A list of numbers in ascending order.
fn numbers(reader: &mut RecordReader<'_>) -> Result<BTreeSet<u32>, Error> {
    let length = reader.length(usize::try_from(MAX_MESSAGES).unwrap_or(usize::MAX))?;
    let mut numbers = BTreeSet::new();
    for _ in 0..length {
        let number = reader.u32()?;
        if numbers.last().is_some_and(|last| *last >= number) {
            return Err(Error::CorruptState);
        }
        numbers.insert(number);
    }
    Ok(numbers)
}
