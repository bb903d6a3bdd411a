// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Triple Ratchet: the Double Ratchet, whose message keys take a salt from the post-quantum
//! ratchet (signal.md §6.3 to §6.6; spqr.md §2).
//!
//! A message key needs both, so it stays secret while either X25519 or ML-KEM holds.

use e2ee_primitives::{random::Random, secret::SecretBytes};
use e2ee_ratchet::{Budget, DoubleRatchet, ReceivePlan};
use e2ee_wire::Error;

use crate::{
    address::ADDRESS_BLOCK_LEN,
    dialect::{Framing, MAJOR_VERSION, Signal},
    keys::EC_KEY_LEN,
    message::RatchetMessage,
    spqr::{self, Spqr},
};

/// Both ratchets of a session; they only move together.
#[derive(Debug)]
pub struct Triple {
    pub(crate) ratchet: DoubleRatchet<Signal>,
    pub(crate) pq: Spqr,
}

/// What the tag of a message covers besides the message.
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    /// The sender's identity key, encoded.
    pub sender_identity: [u8; EC_KEY_LEN],
    /// The recipient's identity key, encoded.
    pub recipient_identity: [u8; EC_KEY_LEN],
    /// The address block of these two, if both names are service ids.
    pub addresses: Option<&'a [u8; ADDRESS_BLOCK_LEN]>,
}

impl Triple {
    /// A session's two ratchets at its start.
    #[must_use]
    pub const fn new(ratchet: DoubleRatchet<Signal>, pq: Spqr) -> Self {
        Self { ratchet, pq }
    }

    /// Encrypts `plaintext` and returns the ratchet message; an error has changed nothing
    /// (signal.md §6.5).
    pub fn encrypt(
        &mut self,
        bound: &Bound<'_>,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, Error> {
        let prepared = self.ratchet.prepare(random)?;
        let (pq, salt) = self.pq.send(random)?;
        let framing = Framing {
            sender_identity: bound.sender_identity,
            recipient_identity: bound.recipient_identity,
            pq: &pq,
            addresses: bound.addresses,
        };
        let mut out = Vec::with_capacity(plaintext.len().saturating_add(FRAME_OVERHEAD));
        self.ratchet.seal(prepared, &salt, &framing, plaintext, &mut out);
        Ok(out)
    }

    /// Opens `message`; an error has changed nothing (signal.md §6.6).
    ///
    /// The tag is verified before the post-quantum ratchet looks at its chunk (spqr.md §9.2).
    pub fn decrypt(
        &mut self,
        bound: &Bound<'_>,
        message: &RatchetMessage<'_>,
        budget: &mut Budget,
    ) -> Result<SecretBytes, Error> {
        if message.major_version != MAJOR_VERSION {
            return Err(Error::Forged);
        }
        if self.ratchet.is_spent(&message.header) {
            return Err(Error::Duplicate);
        }
        let pq = spqr::Message::decode(message.pq).map_err(uniform)?;
        let pq_plan = self.pq.plan_receive(&pq, budget).map_err(uniform)?;
        let plan = self.ratchet.plan(&message.header, budget)?;
        let plaintext = open(&plan, &pq_plan, bound, message)?;
        self.pq.commit_receive(pq_plan, &pq).map_err(uniform)?;
        self.ratchet.commit(plan);
        Ok(plaintext)
    }
}

/// Tag, address block and body, in this order (signal.md §6.6 step 7).
fn open(
    plan: &ReceivePlan,
    pq_plan: &spqr::ReceivePlan,
    bound: &Bound<'_>,
    message: &RatchetMessage<'_>,
) -> Result<SecretBytes, Error> {
    // Public bytes: the names that we decrypt under, against those that the message claims.
    if message
        .addresses
        .is_some_and(|claimed| Some(claimed) != bound.addresses.map(|ours| &ours[..]))
    {
        return Err(Error::Forged);
    }
    let identities = [&bound.sender_identity[..], &bound.recipient_identity[..]];
    plan.open::<Signal>(pq_plan.key(), identities, &message.frame)
}

/// Every refusal of the post-quantum ratchet looks alike, but for a jump that is too far. A part
/// that was not read is no refusal.
const fn uniform(error: Error) -> Error {
    match error {
        Error::TooFarAhead | Error::PartMissing => error,
        _ => Error::Forged,
    }
}

/// What a frame takes besides the plaintext, at most: version, fields 1 to 6 with the largest
/// post-quantum field, padding and tag.
const FRAME_OVERHEAD: usize = 192;
