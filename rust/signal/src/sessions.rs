// SPDX-License-Identifier: MIT OR Apache-2.0
//! All sessions with one address: the current one, which sends, and archived ones, which only
//! receive (Sesame §3; signal.md §5.4 and §8).

use e2ee_account::{SessionList, session_list::Listed};
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
pub type Sessions = SessionList<Session>;

impl Listed for Session {
    const MAX_ARCHIVED: usize = MAX_ARCHIVED_SESSIONS;
    const MAX_SKIPPED: usize = MAX_SKIPPED_SEEDS_PER_PEER;

    fn their_identity(&self) -> &x25519::PublicKey {
        self.their_identity()
    }

    fn archive(&mut self) {
        self.acknowledge();
    }

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
    /// The prekeys that a new session used; none if the session existed.
    pub used: Option<UsedPreKeys>,
}

/// Encrypts on the current session, which must authenticate the `trusted` identity.
pub fn encrypt(
    sessions: &mut Sessions,
    parties: &Parties,
    trusted: &x25519::PublicKey,
    outgoing: Outgoing<'_>,
    random: &mut dyn Random,
) -> Result<Ciphertext, Error> {
    let Outgoing { plaintext, now } = outgoing;
    sessions.sending(trusted)?.encrypt(parties, plaintext, now, random)
}

/// Opens a ratchet message with the session that it belongs to (signal.md §8; one budget for all);
/// see [`SessionList::open`].
pub fn decrypt(
    sessions: &mut Sessions,
    parties: &Parties,
    trusted: &x25519::PublicKey,
    message: &RatchetMessage<'_>,
    budget: &mut Budget,
) -> Result<SecretBytes, Error> {
    let knows = |session: &Session| session.knows(message);
    sessions.open(trusted, knows, |session| session.decrypt(parties, message, budget))
}

/// Opens a prekey message: with the session of its base key, or with a new one made from `stock`
/// (signal.md §5.4). The caller has checked that the identity is trusted.
pub fn decrypt_prekey(
    sessions: &mut Sessions,
    ours: OurIdentity<'_>,
    parties: &Parties,
    message: &PreKeyMessage<'_>,
    stock: StockAt<'_>,
) -> Result<Accepted, Error> {
    let mut budget = envelope_budget(ours.key.public(), &message.outer.identity_key, parties);
    let names = |session: &Session| session.base_key() == &message.outer.base_key;
    let existing =
        sessions.open_named(names, |session| session.decrypt_prekey(parties, message, &mut budget));
    if let Some(plaintext) = existing? {
        return Ok(Accepted { plaintext, used: None });
    }
    let keys = stock.find(&message.outer)?;
    let mut session = Session::accept(ours, parties, &keys, &message.outer)?;
    let plaintext = session.decrypt_prekey(parties, message, &mut budget)?;
    sessions.install(session);
    Ok(Accepted { plaintext, used: Some(UsedPreKeys::of(&message.outer)) })
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
