// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stored form of a session in three parts (docs/formats.md, "Olm session"): a small head that
//! every message rewrites, the older receiving chains, and the skipped seeds.

use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_ratchet::DoubleRatchet;
use e2ee_wire::{Error, record::RecordReader};

use crate::{
    keys::SessionKeys,
    session::{Moves, Origin, Phase, Session},
};

const FORMAT_VERSION: u8 = 1;
/// What the parts take at most: a vector that grows leaves secrets in its old place.
const HEAD_CAPACITY: usize = 512;
const CHAINS_CAPACITY: usize = 512;
/// Index and seed.
const SEED_LEN: usize = 36;

/// Under which revisions the other two parts stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revisions {
    /// Of the receiving chains before the newest.
    pub chains: u64,
    /// Of the skipped seeds.
    pub skipped: u64,
}

impl Revisions {
    /// The revisions that a head vouches for.
    pub fn of(head: &[u8]) -> Result<Self, Error> {
        let mut head = RecordReader::new(versioned(head)?);
        Ok(Self { chains: head.u64()?, skipped: head.u64()? })
    }

    /// A head after the revisions in it have grown by one.
    pub fn advanced(head: &[u8]) -> Result<SecretBytes, Error> {
        let revisions = Self::of(head)?;
        let after = |revision: u64| revision.checked_add(1).ok_or(Error::Exhausted);
        let (chains, skipped) = (after(revisions.chains)?, after(revisions.skipped)?);
        let rest = head.get(1 + 2 * size_of::<u64>()..).ok_or(Error::CorruptState)?;
        let mut out = Vec::with_capacity(HEAD_CAPACITY.max(head.len()));
        out.push(FORMAT_VERSION);
        out.extend_from_slice(&chains.to_be_bytes());
        out.extend_from_slice(&skipped.to_be_bytes());
        out.extend_from_slice(rest);
        Ok(SecretBytes::new(out))
    }
}

impl Session {
    /// The head: the revisions that it vouches for, the keys that name the session, its phase, the
    /// sending chain and the newest receiving chain.
    #[must_use]
    pub fn encode_head(&self, revisions: Revisions) -> SecretBytes {
        let mut out = Vec::with_capacity(HEAD_CAPACITY);
        out.push(FORMAT_VERSION);
        out.extend_from_slice(&revisions.chains.to_be_bytes());
        out.extend_from_slice(&revisions.skipped.to_be_bytes());
        let SessionKeys { identity_key, base_key, one_time_key } = &self.keys;
        for key in [identity_key, base_key, one_time_key, &self.their_identity] {
            out.extend_from_slice(key.as_bytes());
        }
        out.push(self.phase.tag());
        out.extend_from_slice(&self.ratchet.max_jump().to_be_bytes());
        self.ratchet.encode_turn(&mut out);
        SecretBytes::new(out)
    }

    /// The receiving chains before the newest; the version alone if there are none.
    #[must_use]
    pub fn encode_chains(&self) -> SecretBytes {
        let mut out = Vec::with_capacity(CHAINS_CAPACITY);
        out.push(FORMAT_VERSION);
        if self.ratchet.has_older() {
            self.ratchet.encode_older(&mut out);
        }
        SecretBytes::new(out)
    }

    /// The skipped seeds.
    #[must_use]
    pub fn encode_skipped(&self) -> SecretBytes {
        let seeds = self.skipped_len().saturating_mul(SEED_LEN);
        let mut out = Vec::with_capacity(seeds.saturating_add(HEAD_CAPACITY));
        out.push(FORMAT_VERSION);
        self.ratchet.encode_skipped(&mut out);
        SecretBytes::new(out)
    }

    /// Reads the three parts back, and the revisions that the head vouches for.
    ///
    /// [`Error::CorruptState`] if they are not what was written.
    pub fn decode(head: &[u8], chains: &[u8], skipped: &[u8]) -> Result<(Self, Revisions), Error> {
        let mut head = RecordReader::new(versioned(head)?);
        let mut skipped = RecordReader::new(versioned(skipped)?);
        let chains = versioned(chains)?;
        let mut chains = (!chains.is_empty()).then(|| RecordReader::new(chains));
        let revisions = Revisions { chains: head.u64()?, skipped: head.u64()? };
        let keys = SessionKeys {
            identity_key: x25519::PublicKey::new(*head.array()?),
            base_key: x25519::PublicKey::new(*head.array()?),
            one_time_key: x25519::PublicKey::new(*head.array()?),
        };
        let their_identity = x25519::PublicKey::new(*head.array()?);
        let phase = Phase::of_tag(head.u8()?)?;
        let max_jump = head.u32()?;
        let ratchet =
            DoubleRatchet::decode_parts(max_jump, &mut head, chains.as_mut(), Some(&mut skipped))?;
        [Some(head), chains, Some(skipped)]
            .into_iter()
            .flatten()
            .try_for_each(RecordReader::finish)?;
        Ok((Self { keys, their_identity, phase, ratchet, moves: Moves::default() }, revisions))
    }
}

impl Phase {
    const fn tag(self) -> u8 {
        match self {
            Self::Unacknowledged => 1,
            Self::Initiated => 2,
            Self::Accepted => 3,
            Self::Retired(Origin::Ours) => 4,
            Self::Retired(Origin::Theirs) => 5,
        }
    }

    const fn of_tag(tag: u8) -> Result<Self, Error> {
        match tag {
            1 => Ok(Self::Unacknowledged),
            2 => Ok(Self::Initiated),
            3 => Ok(Self::Accepted),
            4 => Ok(Self::Retired(Origin::Ours)),
            5 => Ok(Self::Retired(Origin::Theirs)),
            _ => Err(Error::CorruptState),
        }
    }
}

fn versioned(part: &[u8]) -> Result<&[u8], Error> {
    match part.split_first() {
        Some((&FORMAT_VERSION, rest)) => Ok(rest),
        _ => Err(Error::CorruptState),
    }
}
