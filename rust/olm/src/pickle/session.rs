// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a pickled session does not say of itself: whose it is (olm_megolm.md §3).

use e2ee_primitives::{Secret, x25519};
use e2ee_ratchet::{Contents, DoubleRatchet};
use e2ee_wire::Error;

use crate::{
    keys::SessionKeys,
    limits::MAX_JUMP,
    session::{Moves, Phase, Session},
};

/// Seeds of late messages that both peers can hold: libolm in a session, vodozemac in a chain.
pub const PEER_SEEDS: usize = 40;

/// The identity keys of both ends of a session; a pickle has that of its initiator only.
#[derive(Clone, Copy, Debug)]
pub struct Identities {
    /// Ours.
    pub ours: x25519::PublicKey,
    /// The peer's.
    pub theirs: x25519::PublicKey,
}

/// The session of what a pickle holds; `received` says whether a message of the peer has opened.
///
/// Without `identities` nothing says which end it is: a session that has opened a message is taken
/// for one that the peer started, whose key stands in it. Then the peer's identity is for the
/// caller to know, as it is with the libraries that the pickle is of.
///
/// [`Error::InvalidKey`] if neither of `identities` started the session.
pub fn assemble(
    keys: SessionKeys,
    received: bool,
    contents: Contents,
    identities: Option<&Identities>,
) -> Result<Session, Error> {
    let (phase, their_identity) = match identities {
        Some(known) if keys.identity_key == known.ours => {
            (if received { Phase::Initiated } else { Phase::Unacknowledged }, known.theirs)
        }
        Some(known) if keys.identity_key == known.theirs => (Phase::Accepted, known.theirs),
        Some(_) => return Err(Error::InvalidKey),
        None if received || contents.sending.is_none() => (Phase::Accepted, keys.identity_key),
        None => (Phase::Unacknowledged, keys.identity_key),
    };
    let ratchet = DoubleRatchet::assemble(contents, MAX_JUMP)?;
    if phase == Phase::Unacknowledged && ratchet.our_key().is_none() {
        return Err(Error::Malformed);
    }
    Ok(Session { keys, their_identity, phase, ratchet, moves: Moves::default() })
}

/// The newest seeds of a chain that a peer can hold, ascending.
pub fn newest(skipped: &[(u32, Secret<32>)], limit: usize) -> &[(u32, Secret<32>)] {
    skipped.split_at(skipped.len().saturating_sub(limit)).1
}
