// SPDX-License-Identifier: MIT OR Apache-2.0
//! The writes of a step while they are put together (docs/storage.md, "Steps").

use e2ee_primitives::{random::Random, secret::SecretBytes};
use e2ee_state::{Change, Failure, Sealer, Write, seal::RecordSealer};
use e2ee_wire::Error;

use crate::memory::{Mark, Seen};

/// Seals records and collects them.
pub struct Draft<'a> {
    sealer: &'a Sealer,
    random: &'a mut dyn Random,
    writes: Vec<Write>,
    spends: bool,
}

/// The writes of a step, and whether they spend message keys of ours.
#[derive(Default)]
#[must_use]
pub struct Drafted {
    /// The writes, in the order in which they were added.
    pub writes: Vec<Write>,
    /// Whether a message key of ours is spent.
    pub spends: bool,
}

impl Drafted {
    /// Adds the writes of another part of the same step.
    pub fn append(&mut self, mut other: Self) {
        self.writes.append(&mut other.writes);
        self.spends |= other.spends;
    }
}

impl<'a> Draft<'a> {
    /// No writes yet.
    pub fn new(sealer: &'a Sealer, random: &'a mut dyn Random) -> Self {
        Self { sealer, random, writes: Vec::new(), spends: false }
    }

    /// Adds a sealed record, and says how it is known again; `base` is 0 if it must not exist.
    pub fn put(
        &mut self,
        name: &str,
        base: u64,
        revision: u64,
        plaintext: &SecretBytes,
    ) -> Result<Seen, Failure> {
        self.put_sealed(&self.sealer.record(name), base, revision, plaintext)
    }

    /// [`Draft::put`] of a record whose sealer is at hand.
    pub fn put_sealed(
        &mut self,
        record: &RecordSealer,
        base: u64,
        revision: u64,
        plaintext: &SecretBytes,
    ) -> Result<Seen, Failure> {
        let sealed = record.seal(revision, plaintext.expose(), self.random)?;
        let seen = Seen { revision, mark: Mark::of(&sealed)? };
        let name = record.name().to_owned();
        self.writes.push(Write { name, base, change: Change::Put { revision, sealed } });
        Ok(seen)
    }

    /// Adds a record that is not sealed; `base` is 0 if it must not exist.
    pub fn plain(&mut self, name: &str, base: u64, bytes: Vec<u8>) -> Result<(), Failure> {
        let revision = base.checked_add(1).ok_or(Error::Exhausted)?;
        self.writes.push(Write {
            name: name.to_owned(),
            base,
            change: Change::Put { revision, sealed: bytes },
        });
        Ok(())
    }

    /// Adds a deletion.
    pub fn delete(&mut self, name: &str, base: u64) {
        self.writes.push(Write { name: name.to_owned(), base, change: Change::Delete });
    }

    /// The sealed bytes of the record that was added last.
    #[must_use]
    pub fn last_sealed(&self) -> Vec<u8> {
        match self.writes.last().map(|write| &write.change) {
            Some(Change::Put { sealed, .. }) => sealed.clone(),
            _ => Vec::new(),
        }
    }

    /// The source of randomness.
    pub fn random(&mut self) -> &mut dyn Random {
        self.random
    }

    /// Notes that what is saved has spent this many message keys.
    pub const fn spend(&mut self, keys: u64) {
        self.spends = self.spends || keys > 0;
    }

    /// All writes.
    pub fn finish(self) -> Drafted {
        Drafted { writes: self.writes, spends: self.spends }
    }
}

/// What `encode` appends, wiped after use.
pub fn encoded(encode: impl FnOnce(&mut Vec<u8>)) -> SecretBytes {
    let mut out = Vec::with_capacity(512);
    encode(&mut out);
    SecretBytes::new(out)
}
