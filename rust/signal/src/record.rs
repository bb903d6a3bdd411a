// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stored form of a session in three parts (docs/formats.md, "Session in three parts"): a head
//! that every message rewrites, the objects of the post-quantum ratchet and of a pending start, and
//! the skipped seeds and keys.

use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_ratchet::DoubleRatchet;
use e2ee_wire::{Error, record::RecordReader};

use crate::{phase::Phase, session::Session, spqr::Spqr, triple::Triple};

pub(crate) const FORMAT_VERSION: u8 = 1;

/// What the parts take at most, of the skipped ones without their entries: a vector that grows leaves
/// secrets in its old place.
const SKIPPED_CAPACITY: usize = 1_024;
const OBJECTS_CAPACITY: usize = 6_144;
/// Bytes of what stands before the phase: version, identities, registration ids and base key.
const START_LEN: usize = 1 + 32 + 32 + 4 + 4 + 32;

impl Session {
    /// The head: identities, phase, and both ratchets' keys and counters.
    #[must_use]
    pub fn encode_head(&self) -> SecretBytes {
        let mut out = Vec::with_capacity(self.head_most());
        self.append_head(&mut out);
        SecretBytes::new(out)
    }

    /// The most bytes that the head has, at most two more than it has.
    #[must_use]
    pub fn head_most(&self) -> usize {
        let Self { phase, triple: Triple { ratchet, pq }, .. } = self;
        START_LEN + phase.head_len() + ratchet.head_len() + pq.head_most()
    }

    /// Appends the head, as [`Session::encode_head`] has it.
    pub fn append_head(&self, out: &mut Vec<u8>) {
        out.push(FORMAT_VERSION);
        out.extend_from_slice(self.our_identity.as_bytes());
        out.extend_from_slice(self.their_identity.as_bytes());
        out.extend_from_slice(&self.our_registration_id.to_be_bytes());
        out.extend_from_slice(&self.their_registration_id.to_be_bytes());
        out.extend_from_slice(self.base_key.as_bytes());
        self.phase.encode(out);
        self.triple.ratchet.encode_head(out);
        self.triple.pq.encode_head(out);
    }

    /// The encapsulation of a pending start, and the objects of the post-quantum ratchet.
    #[must_use]
    pub fn encode_objects(&self) -> SecretBytes {
        let mut out = Vec::with_capacity(OBJECTS_CAPACITY);
        out.push(FORMAT_VERSION);
        if let Phase::Unacknowledged(pending) = &self.phase {
            out.extend_from_slice(&*pending.kyber_ciphertext);
        }
        self.triple.pq.encode_objects(&mut out);
        SecretBytes::new(out)
    }

    /// The skipped seeds of the Double Ratchet and keys of the post-quantum ratchet.
    #[must_use]
    pub fn encode_skipped(&self) -> SecretBytes {
        // The two ratchets skip together, so their lists are about equally long.
        let entries = self.skipped_len().saturating_mul(2);
        let mut out =
            Vec::with_capacity(entries.saturating_mul(36).saturating_add(SKIPPED_CAPACITY));
        out.push(FORMAT_VERSION);
        self.triple.ratchet.encode_skipped(&mut out);
        self.triple.pq.encode_skipped(&mut out);
        SecretBytes::new(out)
    }

    /// Reads the three parts back; [`Error::CorruptState`] if they are not what was written.
    pub fn decode(head: &[u8], objects: &[u8], skipped: &[u8]) -> Result<Self, Error> {
        let mut head = part(head)?;
        let mut objects = part(objects)?;
        let mut skipped = part(skipped)?;
        let session = Self {
            our_identity: x25519::PublicKey::new(*head.array()?),
            their_identity: x25519::PublicKey::new(*head.array()?),
            our_registration_id: head.u32()?,
            their_registration_id: head.u32()?,
            base_key: x25519::PublicKey::new(*head.array()?),
            phase: Phase::decode(&mut head, Some(&mut objects))?,
            triple: Triple {
                ratchet: DoubleRatchet::decode(&mut head, &mut skipped)?,
                pq: Spqr::decode(&mut head, &mut objects, &mut skipped)?,
            },
            head_generation: 0,
            start_generation: 0,
            spent: 0,
        };
        head.finish()?;
        objects.finish()?;
        skipped.finish()?;
        Ok(session)
    }
}

fn part(bytes: &[u8]) -> Result<RecordReader<'_>, Error> {
    let mut reader = RecordReader::new(bytes);
    if reader.u8()? == FORMAT_VERSION { Ok(reader) } else { Err(Error::CorruptState) }
}
