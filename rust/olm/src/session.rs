// SPDX-License-Identifier: MIT OR Apache-2.0
//! One pairwise session: its start in both roles, and its messages (olm_megolm.md §1).
//!
//! ```text
//!   initiate ──► Unacknowledged ──first message opened──► Initiated ──┐ the store was set back:
//!   accept   ───────────────────────────────────────────► Accepted  ──┴─► Retired, opens only
//! ```

use e2ee_primitives::{random::Random, secret::SecretBytes, x25519};
use e2ee_ratchet::{
    Budget, DoubleRatchet, Positions,
    agreement::{Agreements, ResponderKeys},
};
use e2ee_wire::Error;

use crate::{
    dialect::Olm,
    keys::{self, SessionKeys},
    limits::{ENVELOPE_STEPS, MAX_JUMP},
    message::{NormalMessage, PreKeyMessage, normal_len},
};

/// An encrypted message.
#[derive(Debug, PartialEq, Eq)]
pub enum Ciphertext {
    /// Type 0: a prekey message, until the first answer opened.
    PreKey(Vec<u8>),
    /// Type 1: a normal message.
    Normal(Vec<u8>),
}

/// A session with one device of a peer. It cannot be copied: a copy would use keys twice.
#[derive(Debug)]
pub struct Session {
    pub(crate) keys: SessionKeys,
    pub(crate) their_identity: x25519::PublicKey,
    pub(crate) phase: Phase,
    pub(crate) ratchet: DoubleRatchet<Olm>,
    /// What changed the session since it was made or loaded.
    pub(crate) moves: Moves,
}

/// What changed a session since it was made or loaded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moves {
    /// Those that it encrypted, each with a message key of its own.
    pub(crate) spent: u64,
    /// Those that it opened, and whether it was retired or has forgotten late ones.
    pub(crate) others: u64,
}

/// Who started a session, and how far its start has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// We did, and have opened nothing: each message carries the start again.
    Unacknowledged,
    /// We did, and the peer has answered.
    Initiated,
    /// The peer did.
    Accepted,
    /// It opens and never sends again: its keys may have been used in a past that the store has
    /// forgotten.
    Retired(Origin),
}

/// Who started a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// We did.
    Ours,
    /// The peer did.
    Theirs,
}

impl Session {
    /// Starts a session with the owner of `their_identity`, under one of their one-time or
    /// fallback keys (olm_megolm.md §1.1).
    ///
    /// Nothing here says whose keys they are: both must have come under the device's Ed25519
    /// signature (olm_megolm.md §8). [`Error::InvalidKey`] if one of them cannot be used.
    pub fn initiate(
        our_identity: &x25519::PrivateKey,
        their_identity: &x25519::PublicKey,
        one_time_key: &x25519::PublicKey,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        if !their_identity.is_reduced() || !one_time_key.is_reduced() {
            return Err(Error::InvalidKey);
        }
        let base = x25519::PrivateKey::random(random)?;
        let theirs =
            ResponderKeys { identity: *their_identity, prekey: *one_time_key, one_time: None };
        let agreements = Agreements::initiate(our_identity, &base, &theirs)?;
        let (root, chain) = keys::derive(&agreements);
        let ratchet_key = x25519::PrivateKey::random(random)?;
        Ok(Self {
            keys: SessionKeys {
                identity_key: *our_identity.public(),
                base_key: *base.public(),
                one_time_key: *one_time_key,
            },
            their_identity: *their_identity,
            phase: Phase::Unacknowledged,
            ratchet: DoubleRatchet::ours(root, ratchet_key, chain, MAX_JUMP),
            moves: Moves::default(),
        })
    }

    /// Makes the session that a prekey message asks for, before the message inside is opened.
    ///
    /// It may be any prekey message of the session, not only the first. `one_time_key` is the one
    /// that the message names.
    ///
    /// [`Error::InvalidKey`] if a key of the initiator has a part of low order: it would agree as
    /// another key does, so nothing would authenticate it.
    pub fn accept(
        our_identity: &x25519::PrivateKey,
        one_time_key: &x25519::PrivateKey,
        message: &PreKeyMessage<'_>,
    ) -> Result<Self, Error> {
        let SessionKeys { identity_key, base_key, .. } = &message.keys;
        if message.keys.one_time_key != *one_time_key.public() {
            return Err(Error::UnknownPreKey);
        }
        if !identity_key.is_canonical() || !base_key.is_canonical() {
            return Err(Error::InvalidKey);
        }
        let ours = ResponderKeys { identity: our_identity, prekey: one_time_key, one_time: None };
        let agreements = Agreements::respond(&ours, identity_key, base_key)?;
        let (root, chain) = keys::derive(&agreements);
        let their_ratchet_key = message.message.header.ratchet_key;
        Ok(Self {
            keys: message.keys,
            their_identity: *identity_key,
            phase: Phase::Accepted,
            ratchet: DoubleRatchet::theirs(root, their_ratchet_key, chain, MAX_JUMP),
            moves: Moves::default(),
        })
    }

    /// Encrypts `plaintext`; an error has changed nothing.
    ///
    /// [`Error::NoSession`] if the session is retired.
    pub fn encrypt(
        &mut self,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<Ciphertext, Error> {
        if self.is_retired() {
            return Err(Error::NoSession);
        }
        let index = self.ratchet.positions().sent.unwrap_or(0);
        let inner_len = normal_len(index, plaintext.len());
        let prepared = self.ratchet.prepare(random)?;
        self.moves.spent = self.moves.spent.wrapping_add(1);
        Ok(match self.phase {
            Phase::Unacknowledged => {
                let mut out = Vec::with_capacity(SessionKeys::prekey_len(inner_len));
                self.keys.begin(inner_len, &mut out);
                self.ratchet.seal(prepared, &(), &(), plaintext, &mut out);
                Ciphertext::PreKey(out)
            }
            Phase::Initiated | Phase::Accepted | Phase::Retired(_) => {
                let mut out = Vec::with_capacity(inner_len);
                self.ratchet.seal(prepared, &(), &(), plaintext, &mut out);
                Ciphertext::Normal(out)
            }
        })
    }

    /// Opens a normal message; an error has changed nothing.
    pub fn decrypt(
        &mut self,
        message: &NormalMessage<'_>,
        budget: &mut Budget,
    ) -> Result<SecretBytes, Error> {
        let plan = self.ratchet.plan(&message.header, budget)?;
        let plaintext = plan.open::<Olm>(&(), [&[], &[]], &message.frame)?;
        self.ratchet.commit(plan);
        self.moves.others = self.moves.others.wrapping_add(1);
        if self.phase == Phase::Unacknowledged {
            self.phase = Phase::Initiated;
        }
        Ok(plaintext)
    }

    /// Opens a prekey message of this session; an error has changed nothing.
    ///
    /// [`Error::Forged`] if it names another session, or this one and we started it.
    pub fn decrypt_prekey(
        &mut self,
        message: &PreKeyMessage<'_>,
        budget: &mut Budget,
    ) -> Result<SecretBytes, Error> {
        match self.phase {
            Phase::Accepted | Phase::Retired(Origin::Theirs) if self.matches(message) => {
                self.decrypt(&message.message, budget)
            }
            _ => Err(Error::Forged),
        }
    }

    /// Never sends again, and opens as before.
    pub fn retire(&mut self) {
        let origin = match self.phase {
            Phase::Unacknowledged | Phase::Initiated => Origin::Ours,
            Phase::Accepted => Origin::Theirs,
            Phase::Retired(_) => return,
        };
        self.phase = Phase::Retired(origin);
        self.moves.others = self.moves.others.wrapping_add(1);
    }

    /// Whether the session never sends again.
    #[must_use]
    pub const fn is_retired(&self) -> bool {
        matches!(self.phase, Phase::Retired(_))
    }

    /// Whether a prekey message names this session: its three keys are the same.
    #[must_use]
    pub fn matches(&self, message: &PreKeyMessage<'_>) -> bool {
        self.keys == message.keys
    }

    /// Whether a receiving chain exists under the message's ratchet key: then the message belongs
    /// to this session or to none.
    #[must_use]
    pub fn knows(&self, message: &NormalMessage<'_>) -> bool {
        self.ratchet.knows(&message.header.ratchet_key)
    }

    /// The id of the session, 32 bytes, the same at both ends.
    #[must_use]
    pub fn session_id(&self) -> [u8; 32] {
        self.keys.session_id()
    }

    /// The keys that name the session.
    #[must_use]
    pub const fn keys(&self) -> &SessionKeys {
        &self.keys
    }

    /// The identity key that the session authenticates.
    #[must_use]
    pub const fn their_identity(&self) -> &x25519::PublicKey {
        &self.their_identity
    }

    /// Whether the next message that is sent changes the head alone: it brings in no ratchet key.
    #[must_use]
    pub const fn sends_in_place(&self) -> bool {
        self.ratchet.our_key().is_some()
    }

    /// Whether a message of the peer has opened: before that, every message is a prekey message.
    #[must_use]
    pub fn has_received(&self) -> bool {
        self.phase != Phase::Unacknowledged
    }

    /// How far the chains have come.
    #[must_use]
    pub fn positions(&self) -> Positions {
        self.ratchet.positions()
    }

    /// How many seeds of late messages are kept.
    #[must_use]
    pub fn skipped_len(&self) -> usize {
        self.ratchet.skipped_len()
    }

    /// Forgets the seeds of late messages.
    pub(crate) fn forget_skipped(&mut self) {
        self.ratchet.forget_skipped();
        self.moves.others = self.moves.others.wrapping_add(1);
    }

    /// Changes whenever the stored form of one of the parts would.
    #[must_use]
    pub const fn generations(&self) -> Generations {
        Generations {
            head: self.moves.spent.wrapping_add(self.moves.others),
            chains: self.ratchet.older_generation(),
            skipped: self.ratchet.skipped_generation(),
        }
    }
}

/// Change counters of the stored parts; they start anew when the session is loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generations {
    /// Of the head, which every message rewrites.
    pub head: u64,
    /// Of the receiving chains before the newest.
    pub chains: u64,
    /// Of the skipped seeds.
    pub skipped: u64,
}

/// What one envelope may cost before it authenticates, over all sessions that it is tried on.
#[must_use]
pub const fn envelope_budget() -> Budget {
    Budget::new(ENVELOPE_STEPS)
}

#[cfg(test)]
mod tests;
