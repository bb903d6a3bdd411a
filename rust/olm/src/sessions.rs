// SPDX-License-Identifier: MIT OR Apache-2.0
//! All sessions with one device (olm_megolm.md §8): the one that sends, which is the one that was
//! received on last, and others that only receive until they are.

use e2ee_account::{SessionList, session_list::Listed};
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
pub type Sessions = SessionList<Session>;

impl Listed for Session {
    const MAX_ARCHIVED: usize = MAX_ARCHIVED_SESSIONS;
    const MAX_SKIPPED: usize = MAX_SKIPPED_SEEDS_PER_PEER;

    fn their_identity(&self) -> &x25519::PublicKey {
        self.their_identity()
    }

    /// Its messages go on saying how it began, wherever it sends again.
    fn archive(&mut self) {}

    fn retire(&mut self) {
        self.retire();
    }

    fn is_retired(&self) -> bool {
        self.is_retired()
    }

    fn skipped_len(&self) -> usize {
        self.skipped_len()
    }

    fn forget_skipped(&mut self) {
        self.forget_skipped();
    }
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

/// Encrypts on the current session, which must authenticate the `trusted` identity.
pub fn encrypt(
    sessions: &mut Sessions,
    trusted: &x25519::PublicKey,
    plaintext: &[u8],
    random: &mut dyn Random,
) -> Result<Ciphertext, Error> {
    sessions.sending(trusted)?.encrypt(plaintext, random)
}

/// Opens a normal message with the session that it belongs to; one budget serves for all. See
/// [`SessionList::open`].
pub fn decrypt(
    sessions: &mut Sessions,
    trusted: &x25519::PublicKey,
    message: &NormalMessage<'_>,
    budget: &mut Budget,
) -> Result<SecretBytes, Error> {
    let knows = |session: &Session| session.knows(message);
    sessions.open(trusted, knows, |session| session.decrypt(message, budget))
}

/// Opens a prekey message with the session that it names; `None` if there is no such session.
///
/// [`Error::UntrustedIdentity`] if the message is under another identity than the `trusted` one.
pub fn decrypt_repeated(
    sessions: &mut Sessions,
    trusted: &x25519::PublicKey,
    message: &PreKeyMessage<'_>,
    budget: &mut Budget,
) -> Result<Option<SecretBytes>, Error> {
    if message.keys.identity_key != *trusted {
        return Err(Error::UntrustedIdentity);
    }
    let names = |session: &Session| session.matches(message);
    sessions.open_named(names, |session| session.decrypt_prekey(message, budget))
}

/// Opens a prekey message: with the session that it names, or with a new one under a key of `keys`
/// (olm_megolm.md §1.4); either becomes the current one, unless it is retired.
///
/// [`Error::UntrustedIdentity`] if the message is under another identity than the `trusted` one,
/// [`Error::UnknownPreKey`] if its one-time key is not held, [`Error::Duplicate`] if its fallback
/// key remembers a session that is not kept any more.
pub fn decrypt_prekey(
    sessions: &mut Sessions,
    (ours, keys): (&x25519::PrivateKey, &OneTimeKeys),
    trusted: &x25519::PublicKey,
    message: &PreKeyMessage<'_>,
    budget: &mut Budget,
) -> Result<Accepted, Error> {
    if let Some(plaintext) = decrypt_repeated(sessions, trusted, message, budget)? {
        return Ok(Accepted { plaintext, keys: None });
    }
    keys.check(&message.keys)?;
    let private = keys.find(&message.keys.one_time_key).ok_or(Error::UnknownPreKey)?;
    let mut session = Session::accept(ours, private, message)?;
    let plaintext = session.decrypt_prekey(message, budget)?;
    sessions.install(session);
    Ok(Accepted { plaintext, keys: Some(message.keys) })
}

#[cfg(test)]
mod tests;
