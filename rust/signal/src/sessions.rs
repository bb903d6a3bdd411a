// SPDX-License-Identifier: MIT OR Apache-2.0
//! All sessions with one address: the current one, which sends, and archived ones, which only
//! receive (Sesame §3; signal.md §5.4 and §8).

use std::collections::VecDeque;

use e2ee_primitives::{random::Random, secret::SecretBytes, x25519};
use e2ee_ratchet::Budget;
use e2ee_wire::Error;

use crate::{
    limits::{MAX_ARCHIVED_SESSIONS, MAX_SKIPPED_SEEDS_PER_PEER},
    message::RatchetMessage,
    prekey_message::PreKeyMessage,
    session::{Ciphertext, OurIdentity, Parties, Session, envelope_budget},
    stock::{StockAt, UsedPreKeys},
};

/// The sessions with one device of a peer.
#[derive(Debug)]
pub struct Sessions {
    current: Option<Session>,
    /// Newest first.
    archived: VecDeque<Session>,
}

/// An opened prekey message.
#[derive(Debug)]
pub struct Accepted {
    /// The plaintext.
    pub plaintext: SecretBytes,
    /// The prekeys that a new session used; none if the session existed.
    pub used: Option<UsedPreKeys>,
}

impl Sessions {
    /// No session yet.
    #[must_use]
    pub const fn none() -> Self {
        Self { current: None, archived: VecDeque::new() }
    }

    /// Sessions as a store kept them; the newest archived one first. A retired one never sends.
    pub fn from_parts(current: Option<Session>, archived: Vec<Session>) -> Result<Self, Error> {
        let retired = current.as_ref().is_some_and(Session::is_retired);
        if retired || archived.len() > MAX_ARCHIVED_SESSIONS {
            return Err(Error::CorruptState);
        }
        Ok(Self { current, archived: archived.into() })
    }

    /// The session that sends.
    #[must_use]
    pub const fn current(&self) -> Option<&Session> {
        self.current.as_ref()
    }

    /// All sessions, the current one first.
    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.current.iter().chain(&self.archived)
    }

    /// Sessions that only receive, newest first.
    pub fn archived(&self) -> impl Iterator<Item = &Session> {
        self.archived.iter()
    }

    /// Makes `session` the current one; the one before is archived (signal.md §8).
    pub fn install(&mut self, session: Session) {
        self.archive_current();
        self.current = Some(session);
    }

    /// Archives the current session; the oldest archived one gives way.
    pub fn archive_current(&mut self) {
        if let Some(mut outgoing) = self.current.take() {
            outgoing.acknowledge();
            self.archived.truncate(MAX_ARCHIVED_SESSIONS.saturating_sub(1));
            self.archived.push_front(outgoing);
            self.limit_skipped();
        }
    }

    /// Archives the current session, and retires all: none of them sends again, all open as before.
    ///
    /// For a store that was set back: its chains may have been used in the past that it lost.
    pub fn retire_all(&mut self) {
        self.archive_current();
        self.archived.iter_mut().for_each(Session::retire);
    }

    /// Forgets late messages of the oldest sessions while too many are remembered.
    fn limit_skipped(&mut self) {
        let mut total: usize = self.iter().map(Session::skipped_len).sum();
        for session in self.archived.iter_mut().rev() {
            if total <= MAX_SKIPPED_SEEDS_PER_PEER {
                break;
            }
            total = total.saturating_sub(session.skipped_len());
            session.forget_skipped();
        }
    }

    /// Encrypts on the current session, which must authenticate the `trusted` identity.
    pub fn encrypt(
        &mut self,
        parties: &Parties,
        trusted: &x25519::PublicKey,
        outgoing: Outgoing<'_>,
        random: &mut dyn Random,
    ) -> Result<Ciphertext, Error> {
        let session = self.current.as_mut().ok_or(Error::NoSession)?;
        if session.their_identity() != trusted {
            return Err(Error::UntrustedIdentity);
        }
        session.encrypt(parties, outgoing.plaintext, outgoing.now, random)
    }

    /// Opens a ratchet message with the session that it belongs to, which becomes the current one
    /// unless it is retired.
    ///
    /// Only sessions that authenticate the `trusted` identity are tried. A session that knows the
    /// message's ratchet key is the only candidate (signal.md §8; one budget for all).
    pub fn decrypt(
        &mut self,
        parties: &Parties,
        trusted: &x25519::PublicKey,
        message: &RatchetMessage<'_>,
        budget: &mut Budget,
    ) -> Result<SecretBytes, Error> {
        if self.iter().next().is_none() {
            return Err(Error::NoSession);
        }
        let knowing = self.iter_mut().position(|session| session.knows(message));
        let (position, plaintext) = match knowing {
            Some(position) => {
                let session = self.iter_mut().nth(position).ok_or(Error::NoSession)?;
                if session.their_identity() != trusted {
                    return Err(Error::UntrustedIdentity);
                }
                (position, session.decrypt(parties, message, budget)?)
            }
            None => self.search(parties, trusted, message, budget)?,
        };
        self.promote(position);
        Ok(plaintext)
    }

    /// Tries each session in order. The first refusal that says more than [`Error::Forged`] is
    /// the one returned if none opens the message.
    fn search(
        &mut self,
        parties: &Parties,
        trusted: &x25519::PublicKey,
        message: &RatchetMessage<'_>,
        budget: &mut Budget,
    ) -> Result<(usize, SecretBytes), Error> {
        let mut refusal = Error::Forged;
        for (position, session) in self.iter_mut().enumerate() {
            if session.their_identity() != trusted {
                continue;
            }
            match session.decrypt(parties, message, budget) {
                Ok(plaintext) => return Ok((position, plaintext)),
                Err(error) if refusal == Error::Forged => refusal = error,
                Err(_) => {}
            }
        }
        Err(refusal)
    }

    /// Opens a prekey message: with the session of its base key, or with a new one made from
    /// `stock` (signal.md §5.4). The caller has checked that the identity is trusted.
    pub fn decrypt_prekey(
        &mut self,
        ours: OurIdentity<'_>,
        parties: &Parties,
        message: &PreKeyMessage<'_>,
        stock: StockAt<'_>,
    ) -> Result<Accepted, Error> {
        let base_key = &message.outer.base_key;
        let mut budget = envelope_budget(ours.key.public(), &message.outer.identity_key, parties);
        let existing = self.iter_mut().position(|session| session.base_key() == base_key);
        if let Some(position) = existing {
            let session = self.iter_mut().nth(position).ok_or(Error::NoSession)?;
            let plaintext = session.decrypt_prekey(parties, message, &mut budget)?;
            self.promote(position);
            return Ok(Accepted { plaintext, used: None });
        }
        let keys = stock.find(&message.outer)?;
        let mut session = Session::accept(ours, parties, &keys, &message.outer)?;
        let plaintext = session.decrypt_prekey(parties, message, &mut budget)?;
        self.install(session);
        Ok(Accepted { plaintext, used: Some(UsedPreKeys::of(&message.outer)) })
    }

    /// The current session first, then the archived ones, newest first.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.current.iter_mut().chain(self.archived.iter_mut())
    }

    /// Makes the session at `position` of [`Sessions::iter_mut`] the current one, if it may send.
    fn promote(&mut self, position: usize) {
        let position = match (&self.current, position) {
            (Some(_), 0) => return,
            (Some(_), position) => position.saturating_sub(1),
            (None, position) => position,
        };
        if self.archived.get(position).is_some_and(Session::is_retired) {
            return;
        }
        if let Some(session) = self.archived.remove(position) {
            self.install(session);
        }
    }
}

/// A plaintext and the time at which it is sent, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The bytes to encrypt.
    pub plaintext: &'a [u8],
    /// The time.
    pub now: u64,
}

#[cfg(test)]
mod tests;
