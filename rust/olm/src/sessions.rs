// SPDX-License-Identifier: MIT OR Apache-2.0
//! All sessions with one device (olm_megolm.md §8): the one that sends, which is the one that was
//! received on last, and others that only receive until they are.

use std::collections::VecDeque;

use e2ee_primitives::{random::Random, secret::SecretBytes, x25519};
use e2ee_ratchet::Budget;
use e2ee_wire::Error;

use crate::{
    keys::SessionKeys,
    limits::{MAX_ARCHIVED_SESSIONS, MAX_SKIPPED_SEEDS_PER_PEER},
    message::{NormalMessage, PreKeyMessage},
    one_time_keys::OneTimeKeys,
    session::{Ciphertext, Session},
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
    /// The keys of a new session, which its one-time or fallback key must know of; none if the
    /// session existed.
    pub keys: Option<SessionKeys>,
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

    /// Sessions that only receive, newest first.
    pub fn archived(&self) -> impl Iterator<Item = &Session> {
        self.archived.iter()
    }

    /// All sessions, the current one first.
    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.current.iter().chain(&self.archived)
    }

    /// The same, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.current.iter_mut().chain(self.archived.iter_mut())
    }

    /// Makes `session` the current one; the one before is archived, and the oldest gives way.
    pub fn install(&mut self, session: Session) {
        self.archive_current();
        self.current = Some(session);
    }

    /// Archives the current session; the oldest archived one gives way.
    fn archive_current(&mut self) {
        if let Some(outgoing) = self.current.take() {
            self.archived.truncate(MAX_ARCHIVED_SESSIONS.saturating_sub(1));
            self.archived.push_front(outgoing);
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
        trusted: &x25519::PublicKey,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<Ciphertext, Error> {
        let session = self.current.as_mut().ok_or(Error::NoSession)?;
        if session.their_identity() != trusted {
            return Err(Error::UntrustedIdentity);
        }
        session.encrypt(plaintext, random)
    }

    /// Opens a normal message with the session that it belongs to, which becomes the current one
    /// unless it is retired.
    ///
    /// Only sessions that authenticate the `trusted` identity are tried. A session that knows the
    /// message's ratchet key is the only candidate; one budget serves for all.
    pub fn decrypt(
        &mut self,
        trusted: &x25519::PublicKey,
        message: &NormalMessage<'_>,
        budget: &mut Budget,
    ) -> Result<SecretBytes, Error> {
        if self.iter().next().is_none() {
            return Err(Error::NoSession);
        }
        let knowing = self.iter().position(|session| session.knows(message));
        let (position, plaintext) = match knowing {
            Some(position) => {
                let session = self.iter_mut().nth(position).ok_or(Error::NoSession)?;
                if session.their_identity() != trusted {
                    return Err(Error::UntrustedIdentity);
                }
                (position, session.decrypt(message, budget)?)
            }
            None => self.search(trusted, message, budget)?,
        };
        self.moved(position);
        Ok(plaintext)
    }

    /// Tries each session in order. The first refusal that says more than [`Error::Forged`] is
    /// the one returned if none opens the message.
    fn search(
        &mut self,
        trusted: &x25519::PublicKey,
        message: &NormalMessage<'_>,
        budget: &mut Budget,
    ) -> Result<(usize, SecretBytes), Error> {
        let mut refusal = Error::Forged;
        for (position, session) in self.iter_mut().enumerate() {
            if session.their_identity() != trusted {
                continue;
            }
            match session.decrypt(message, budget) {
                Ok(plaintext) => return Ok((position, plaintext)),
                Err(error) if refusal == Error::Forged => refusal = error,
                Err(_) => {}
            }
        }
        Err(refusal)
    }

    /// Opens a prekey message: with the session that it names, or with a new one under a key of
    /// `keys` (olm_megolm.md §1.4); either becomes the current one, unless it is retired.
    ///
    /// [`Error::UntrustedIdentity`] if the message is under another identity than the `trusted`
    /// one, [`Error::UnknownPreKey`] if its one-time key is not held, [`Error::Duplicate`] if its
    /// fallback key remembers a session that is not kept any more.
    pub fn decrypt_prekey(
        &mut self,
        (ours, keys): (&x25519::PrivateKey, &OneTimeKeys),
        trusted: &x25519::PublicKey,
        message: &PreKeyMessage<'_>,
        budget: &mut Budget,
    ) -> Result<Accepted, Error> {
        if message.keys.identity_key != *trusted {
            return Err(Error::UntrustedIdentity);
        }
        let existing = self.iter().position(|session| session.matches(message));
        if let Some(position) = existing {
            let session = self.iter_mut().nth(position).ok_or(Error::NoSession)?;
            let plaintext = session.decrypt_prekey(message, budget)?;
            self.moved(position);
            return Ok(Accepted { plaintext, keys: None });
        }
        keys.check(&message.keys)?;
        let private = keys.find(&message.keys.one_time_key).ok_or(Error::UnknownPreKey)?;
        let mut session = Session::accept(ours, private, message)?;
        let plaintext = session.decrypt_prekey(message, budget)?;
        self.install(session);
        self.limit_skipped();
        Ok(Accepted { plaintext, keys: Some(message.keys) })
    }

    /// Takes note that the session at `position` of [`Sessions::iter`] has opened a message.
    fn moved(&mut self, position: usize) {
        self.promote(position);
        self.limit_skipped();
    }

    /// Makes the session at `position` of [`Sessions::iter`] the current one, if it may send.
    fn promote(&mut self, position: usize) {
        let place = match (&self.current, position) {
            (Some(_), 0) => return,
            (Some(_), position) => position.saturating_sub(1),
            (None, position) => position,
        };
        if self.archived.get(place).is_some_and(Session::is_retired) {
            return;
        }
        if let Some(session) = self.archived.remove(place) {
            self.install(session);
        }
    }
}

#[cfg(test)]
mod tests;
