// SPDX-License-Identifier: MIT OR Apache-2.0
//! The agreement of a call, in which the caller commits itself first, and its four emoji
//! (mtproto_secret_chats.md §8).
//!
//! ```text
//! CallOffer::new ── commitment ──► CallAnswer::new
//! CallOffer      ◄──── g_b ─────── CallAnswer
//! CallOffer::confirm ── g_a, fingerprint ──► CallAnswer::confirm
//! ```
//!
//! Four emoji are 33 bits. They are enough because neither end can try many values: the caller's is
//! fixed before the callee's is seen, and shown after it. So each half is used once, whatever comes
//! of it. Checked against the formulas, not against another client.

use e2ee_primitives::{Random, Secret, sha};
use e2ee_wire::Error;

use crate::emoji;
use crate::exchange::Offer;
use crate::group::{Group, PublicValue};
use crate::key::ChatKey;
use crate::role::Role;

/// Bytes of a commitment.
pub const COMMITMENT_LEN: usize = 32;

/// The caller, whose public value is not to be seen before the callee's has come.
#[derive(Debug)]
pub struct CallOffer(Offer);

impl CallOffer {
    /// A fresh exponent; `server_random` is as for [`Offer::new`].
    pub fn new(
        group: &Group,
        server_random: &[u8],
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        Offer::new(group, server_random, random).map(Self)
    }

    /// SHA-256 of our public value as it will be sent, for the callee.
    #[must_use]
    pub fn commitment(&self) -> [u8; COMMITMENT_LEN] {
        sha::sha256(&[self.0.public().as_sent()])
    }

    /// The call, with the callee's public value; from then on ours may be sent.
    ///
    /// [`Error::InvalidKey`] for one that is out of range: the call is over then.
    pub fn confirm(self, their_public: &[u8]) -> Result<Call, Error> {
        let key = self.0.agree(their_public)?;
        let public = self.0.public();
        Ok(Call::new(key, Role::Originator, public))
    }
}

/// The callee, who holds the caller to a commitment.
#[derive(Debug)]
pub struct CallAnswer {
    offer: Offer,
    commitment: [u8; COMMITMENT_LEN],
}

impl CallAnswer {
    /// A fresh exponent; `server_random` is as for [`Offer::new`].
    pub fn new(
        group: &Group,
        commitment: &[u8; COMMITMENT_LEN],
        server_random: &[u8],
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        Ok(Self { offer: Offer::new(group, server_random, random)?, commitment: *commitment })
    }

    /// Our public value, for the caller.
    #[must_use]
    pub const fn public(&self) -> &PublicValue {
        self.offer.public()
    }

    /// The call, with the caller's public value and fingerprint.
    ///
    /// [`Error::Forged`] for a value that is not the one of the commitment, byte for byte, and for
    /// another fingerprint; [`Error::InvalidKey`] for one that is out of range: the call is over
    /// then.
    pub fn confirm(self, their_public: &[u8], fingerprint: i64) -> Result<Call, Error> {
        if sha::sha256(&[their_public]) != self.commitment {
            return Err(Error::Forged);
        }
        let key = self.offer.confirm(their_public, fingerprint)?;
        let theirs = self.offer.group().public_value(their_public)?;
        Ok(Call::new(key, Role::Responder, &theirs))
    }
}

/// A call on whose key both ends agree, if they see the same emoji.
#[derive(Debug)]
pub struct Call {
    pub(crate) key: ChatKey,
    pub(crate) ours: Role,
    caller_public: PublicValue,
}

impl Call {
    /// A call of this key; `ours` is originator if we call, and `caller_public` the public value of
    /// whoever does.
    #[must_use]
    pub fn new(key: ChatKey, ours: Role, caller_public: &PublicValue) -> Self {
        Self { key, ours, caller_public: caller_public.clone() }
    }

    /// The caller's public value, for the callee once it has answered.
    #[must_use]
    pub const fn caller_public(&self) -> &PublicValue {
        &self.caller_public
    }

    /// The fingerprint of the key, for the callee.
    #[must_use]
    pub const fn fingerprint(&self) -> i64 {
        self.key.fingerprint()
    }

    /// What both people must see alike.
    #[must_use]
    pub fn emoji(&self) -> [&'static str; 4] {
        call_emoji(&self.key, self.caller_public.as_sent())
    }
}

/// The emoji of a key and the caller's public value as it was sent, without zeros at its front.
///
/// §8: SHA-256 of both; each of its four big-endian words without the highest bit, modulo the
/// table.
#[must_use]
pub fn call_emoji(key: &ChatKey, caller_public: &[u8]) -> [&'static str; 4] {
    let digest = Secret::new(sha::sha256(&[key.expose(), caller_public]));
    let mut all = [""; 4];
    let (words, _) = digest.expose().as_chunks::<8>();
    for (shown, word) in all.iter_mut().zip(words) {
        *shown = emoji::numbered(u64::from_be_bytes(*word) & (u64::MAX >> 1));
    }
    all
}

#[cfg(test)]
pub(crate) mod tests;
