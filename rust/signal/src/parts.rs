// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stored form of a session in an account (docs/formats.md, "Session"): a small head that every
//! message rewrites, and parts that change seldom, each with a revision that the head vouches for.

use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_ratchet::DoubleRatchet;
use e2ee_wire::{Error, record::RecordReader};

use crate::{
    phase::Phase,
    session::Session,
    spqr::{Incomplete, Spqr, erasure::Chunk},
    triple::Triple,
};

const FORMAT_VERSION: u8 = 2;
/// The version of a chunk's record.
const CHUNK_VERSION: u8 = 1;

/// What the parts take at most: a vector that grows leaves secrets in its old place.
const HEAD_CAPACITY: usize = 512;
const STATE_CAPACITY: usize = 6_144;
const CHAINS_CAPACITY: usize = 512;

/// Under which revisions the other parts stand; 0 for one that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revisions {
    /// Of what changes with the state of the post-quantum ratchet.
    pub objects: u64,
    /// Of the receiving chains before the newest.
    pub chains: u64,
    /// Of the skipped seeds and keys.
    pub skipped: u64,
    /// The lowest that a chunk's record can have: each chunk was written once since.
    pub chunks: u64,
}

/// The parts of a session, as a store gives them back.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The head, behind its version and revisions.
    pub head: &'a [u8],
    /// What changes with the state of the post-quantum ratchet.
    pub objects: &'a [u8],
    /// The receiving chains before the newest, if there are some.
    pub chains: Option<&'a [u8]>,
    /// The skipped seeds and keys, if there are some.
    pub skipped: Option<&'a [u8]>,
}

impl Revisions {
    /// The revisions at the start of a head, and what follows; nothing if the head is of another
    /// version.
    pub fn decode(head: &[u8]) -> Result<Option<(Self, &[u8])>, Error> {
        let Some((&FORMAT_VERSION, rest)) = head.split_first() else { return Ok(None) };
        let (revisions, rest) = rest.split_first_chunk::<32>().ok_or(Error::CorruptState)?;
        let mut reader = RecordReader::new(revisions);
        let revisions = Self {
            objects: reader.u64()?,
            chains: reader.u64()?,
            skipped: reader.u64()?,
            chunks: reader.u64()?,
        };
        Ok(Some((revisions, rest)))
    }

    /// The head after all revisions have grown by one; nothing if it is of another version.
    pub fn advanced(head: &[u8]) -> Result<Option<SecretBytes>, Error> {
        let Some((revisions, rest)) = Self::decode(head)? else { return Ok(None) };
        let after = |revision: u64| match revision {
            0 => Ok(0),
            revision => revision.checked_add(1).ok_or(Error::Exhausted),
        };
        let mut out = Vec::with_capacity(HEAD_CAPACITY.max(head.len()));
        out.push(FORMAT_VERSION);
        let revisions = Self {
            objects: after(revisions.objects)?,
            chains: after(revisions.chains)?,
            skipped: after(revisions.skipped)?,
            chunks: after(revisions.chunks)?,
        };
        revisions.encode(&mut out);
        out.extend_from_slice(rest);
        Ok(Some(SecretBytes::new(out)))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        for revision in [self.objects, self.chains, self.skipped, self.chunks] {
            out.extend_from_slice(&revision.to_be_bytes());
        }
    }
}

impl Session {
    /// The head: the chains at work, counters, and the revisions that it vouches for.
    #[must_use]
    pub fn head_part(&self, revisions: &Revisions) -> SecretBytes {
        let mut out = Vec::with_capacity(HEAD_CAPACITY);
        out.push(FORMAT_VERSION);
        revisions.encode(&mut out);
        self.triple.ratchet.encode_turn(&mut out);
        self.triple.pq.encode_chains(&mut out);
        SecretBytes::new(out)
    }

    /// Whether the next message that is sent changes the head alone: it brings in no ratchet key,
    /// and begins no object of the post-quantum ratchet.
    #[must_use]
    pub const fn sends_in_place(&self) -> bool {
        self.our_ratchet_key().is_some() && !self.triple.pq.begins_object()
    }

    /// Identities, phase, and the state of the post-quantum ratchet with its objects.
    #[must_use]
    pub fn objects_part(&self) -> SecretBytes {
        let mut out = Vec::with_capacity(STATE_CAPACITY);
        out.push(FORMAT_VERSION);
        out.extend_from_slice(self.our_identity.as_bytes());
        out.extend_from_slice(self.their_identity.as_bytes());
        out.extend_from_slice(&self.our_registration_id.to_be_bytes());
        out.extend_from_slice(&self.their_registration_id.to_be_bytes());
        out.extend_from_slice(self.base_key.as_bytes());
        self.phase.encode(&mut out);
        if let Phase::Unacknowledged(pending) = &self.phase {
            out.extend_from_slice(&*pending.kyber_ciphertext);
        }
        out.extend_from_slice(&self.triple.ratchet.max_jump().to_be_bytes());
        self.triple.pq.encode_state(&mut out);
        SecretBytes::new(out)
    }

    /// The receiving chains before the newest, if there are some.
    #[must_use]
    pub fn chains_part(&self) -> Option<SecretBytes> {
        self.has_chains_part().then(|| {
            let mut out = Vec::with_capacity(CHAINS_CAPACITY);
            out.push(FORMAT_VERSION);
            self.triple.ratchet.encode_older(&mut out);
            SecretBytes::new(out)
        })
    }

    /// The skipped seeds and keys, if there are some.
    #[must_use]
    pub fn skipped_part(&self) -> Option<SecretBytes> {
        self.has_skipped_part().then(|| self.encode_skipped())
    }

    /// Whether there are receiving chains before the newest.
    #[must_use]
    pub fn has_chains_part(&self) -> bool {
        self.triple.ratchet.has_older()
    }

    /// Whether there are skipped seeds or keys.
    #[must_use]
    pub fn has_skipped_part(&self) -> bool {
        self.skipped_len() > 0 || self.triple.pq.has_skipped()
    }

    /// The object of the post-quantum ratchet that lacks chunks, if there is one.
    #[must_use]
    pub fn incomplete(&self) -> Option<Incomplete<'_>> {
        self.triple.pq.incomplete()
    }

    /// Takes in the chunks of that object that were left in the store, ascending by index.
    ///
    /// [`Error::CorruptState`] if they are not those that the head counts.
    pub fn fill(&mut self, chunks: &[Chunk]) -> Result<(), Error> {
        self.triple.pq.fill(chunks)
    }

    /// Reads the parts back, and leaves the chunks in the store: [`Error::PartMissing`] says when
    /// they are needed. [`Error::CorruptState`] if the parts are not what was written.
    pub fn from_parts(parts: &Parts<'_>) -> Result<Self, Error> {
        let mut head = RecordReader::new(parts.head);
        let mut objects = part(parts.objects, FORMAT_VERSION)?;
        let mut chains = parts.chains.map(|chains| part(chains, FORMAT_VERSION)).transpose()?;
        let mut skipped = parts
            .skipped
            .map(|skipped| part(skipped, crate::record::FORMAT_VERSION))
            .transpose()?;
        let session = Self {
            our_identity: x25519::PublicKey::new(*objects.array()?),
            their_identity: x25519::PublicKey::new(*objects.array()?),
            our_registration_id: objects.u32()?,
            their_registration_id: objects.u32()?,
            base_key: x25519::PublicKey::new(*objects.array()?),
            phase: Phase::decode(&mut objects, None)?,
            triple: Triple {
                ratchet: DoubleRatchet::decode_parts(
                    objects.u32()?,
                    &mut head,
                    chains.as_mut(),
                    skipped.as_mut(),
                )?,
                pq: Spqr::decode_parts(&mut head, &mut objects, skipped.as_mut())?,
            },
            head_generation: 0,
            start_generation: 0,
            spent: 0,
        };
        [Some(head), Some(objects), chains, skipped]
            .into_iter()
            .flatten()
            .try_for_each(RecordReader::finish)?;
        Ok(session)
    }
}

/// The record of a chunk, which its name gives an index.
#[must_use]
pub fn encode_chunk(chunk: &Chunk) -> SecretBytes {
    SecretBytes::new([&[CHUNK_VERSION][..], &chunk.bytes].concat())
}

/// Reads it back.
pub fn decode_chunk(index: u16, record: &[u8]) -> Result<Chunk, Error> {
    let mut reader = part(record, CHUNK_VERSION)?;
    let chunk = Chunk { index, bytes: *reader.array()? };
    reader.finish()?;
    Ok(chunk)
}

fn part(bytes: &[u8], version: u8) -> Result<RecordReader<'_>, Error> {
    let mut reader = RecordReader::new(bytes);
    if reader.u8()? == version { Ok(reader) } else { Err(Error::CorruptState) }
}
