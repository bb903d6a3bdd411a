// SPDX-License-Identifier: MIT OR Apache-2.0
//! All sessions with one device of a peer: the current one, which sends, and archived ones, which
//! only receive (Sesame §3; signal.md §8; olm_megolm.md §8).

use std::collections::VecDeque;

use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_wire::Error;

/// A session, as the list of all sessions with its peer asks of it.
pub trait Listed {
    /// Sessions that are kept behind the current one.
    const MAX_ARCHIVED: usize;
    /// Seeds of late messages that are kept for all sessions of a list.
    const MAX_SKIPPED: usize;

    /// The identity key that it authenticates.
    fn their_identity(&self) -> &x25519::PublicKey;

    /// Takes note that another session sends from now on.
    fn archive(&mut self);

    /// Never sends again, and opens as before.
    fn retire(&mut self);

    /// Whether it never sends again.
    fn is_retired(&self) -> bool;

    /// How many seeds of late messages are kept.
    fn skipped_len(&self) -> usize;

    /// Forgets the seeds of late messages.
    fn forget_skipped(&mut self);
}

/// The sessions with one device of a peer.
#[derive(Debug)]
pub struct SessionList<S> {
    current: Option<S>,
    /// Newest first.
    archived: VecDeque<S>,
}

impl<S: Listed> SessionList<S> {
    /// No session yet.
    #[must_use]
    pub const fn none() -> Self {
        Self { current: None, archived: VecDeque::new() }
    }

    /// Sessions as a store kept them; the newest archived one first. A retired one never sends.
    pub fn from_parts(current: Option<S>, archived: Vec<S>) -> Result<Self, Error> {
        let retired = current.as_ref().is_some_and(S::is_retired);
        if retired || archived.len() > S::MAX_ARCHIVED {
            return Err(Error::CorruptState);
        }
        Ok(Self { current, archived: archived.into() })
    }

    /// The session that sends.
    #[must_use]
    pub const fn current(&self) -> Option<&S> {
        self.current.as_ref()
    }

    /// Sessions that only receive, newest first.
    pub fn archived(&self) -> impl Iterator<Item = &S> {
        self.archived.iter()
    }

    /// All sessions, the current one first.
    pub fn iter(&self) -> impl Iterator<Item = &S> {
        self.current.iter().chain(&self.archived)
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut S> {
        self.current.iter_mut().chain(self.archived.iter_mut())
    }

    /// Makes `session` the current one; the one before is archived.
    pub fn install(&mut self, session: S) {
        self.archive_current();
        self.current = Some(session);
        self.limit_skipped();
    }

    /// Archives the current session; the oldest archived one gives way.
    pub fn archive_current(&mut self) {
        if let Some(mut outgoing) = self.current.take() {
            outgoing.archive();
            self.archived.truncate(S::MAX_ARCHIVED.saturating_sub(1));
            self.archived.push_front(outgoing);
        }
    }

    /// Archives the current session, and retires all: none of them sends again, all open as before.
    ///
    /// For a store that was set back: its chains may have been used in the past that it lost.
    pub fn retire_all(&mut self) {
        self.archive_current();
        self.archived.iter_mut().for_each(S::retire);
    }

    /// The session that sends, which must authenticate the `trusted` identity.
    ///
    /// [`Error::NoSession`] if there is none, [`Error::UntrustedIdentity`] if it does not.
    pub fn sending(&mut self, trusted: &x25519::PublicKey) -> Result<&mut S, Error> {
        let session = self.current.as_mut().ok_or(Error::NoSession)?;
        if session.their_identity() == trusted {
            Ok(session)
        } else {
            Err(Error::UntrustedIdentity)
        }
    }

    /// Opens a message with the session that it belongs to, which becomes the current one unless it
    /// is retired.
    ///
    /// Only sessions that authenticate the `trusted` identity are tried. A session that `knows` the
    /// message's ratchet key is the only candidate.
    pub fn open(
        &mut self,
        trusted: &x25519::PublicKey,
        knows: impl Fn(&S) -> bool,
        mut decrypt: impl FnMut(&mut S) -> Result<SecretBytes, Error>,
    ) -> Result<SecretBytes, Error> {
        if self.iter().next().is_none() {
            return Err(Error::NoSession);
        }
        let knowing = self.iter().position(knows);
        let (position, plaintext) = match knowing {
            Some(position) => {
                let session = self.iter_mut().nth(position).ok_or(Error::NoSession)?;
                if session.their_identity() != trusted {
                    return Err(Error::UntrustedIdentity);
                }
                (position, decrypt(session)?)
            }
            None => self.search(trusted, decrypt)?,
        };
        self.opened(position);
        Ok(plaintext)
    }

    /// Opens a message with the session that it `names`, which becomes the current one unless it is
    /// retired; `None` if there is no such session.
    pub fn open_named(
        &mut self,
        names: impl Fn(&S) -> bool,
        decrypt: impl FnOnce(&mut S) -> Result<SecretBytes, Error>,
    ) -> Result<Option<SecretBytes>, Error> {
        let Some(position) = self.iter().position(names) else { return Ok(None) };
        let session = self.iter_mut().nth(position).ok_or(Error::NoSession)?;
        let plaintext = decrypt(session)?;
        self.opened(position);
        Ok(Some(plaintext))
    }

    /// Tries each session in order. The first refusal that says more than [`Error::Forged`] is
    /// the one returned if none opens the message.
    fn search(
        &mut self,
        trusted: &x25519::PublicKey,
        mut decrypt: impl FnMut(&mut S) -> Result<SecretBytes, Error>,
    ) -> Result<(usize, SecretBytes), Error> {
        let mut refusal = Error::Forged;
        for (position, session) in self.iter_mut().enumerate() {
            if session.their_identity() != trusted {
                continue;
            }
            match decrypt(session) {
                Ok(plaintext) => return Ok((position, plaintext)),
                Err(error) if refusal == Error::Forged => refusal = error,
                Err(_) => {}
            }
        }
        Err(refusal)
    }

    /// Makes the session at `position` of [`SessionList::iter`], which has opened a message, the
    /// current one, if it may send.
    fn opened(&mut self, position: usize) {
        let archived =
            if self.current.is_some() { position.checked_sub(1) } else { Some(position) };
        let sends = |place: &usize| !self.archived.get(*place).is_some_and(S::is_retired);
        match archived.filter(sends).and_then(|place| self.archived.remove(place)) {
            Some(session) => self.install(session),
            None => self.limit_skipped(),
        }
    }

    /// Forgets late messages of the oldest sessions while too many are remembered.
    fn limit_skipped(&mut self) {
        let mut total: usize = self.iter().map(S::skipped_len).sum();
        for session in self.archived.iter_mut().rev() {
            if total <= S::MAX_SKIPPED {
                break;
            }
            total = total.saturating_sub(session.skipped_len());
            session.forget_skipped();
        }
    }
}
