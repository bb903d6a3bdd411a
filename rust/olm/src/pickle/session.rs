// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a pickled session does not say of itself: whose it is (olm_megolm.md §3).

use e2ee_primitives::{Secret, x25519};
use e2ee_ratchet::{Contents, DoubleRatchet};
use e2ee_wire::Error;

use crate::{
    keys::SessionKeys,
    limits::MAX_JUMP,
    session::{Phase, Session},
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
/// [`Error::InvalidKey`] if neither of `identities` started the session.
pub fn assemble(
    keys: SessionKeys,
    received: bool,
    contents: Contents,
    identities: &Identities,
) -> Result<Session, Error> {
    let phase = if keys.identity_key == identities.ours {
        if received { Phase::Initiated } else { Phase::Unacknowledged }
    } else if keys.identity_key == identities.theirs {
        Phase::Accepted
    } else {
        return Err(Error::InvalidKey);
    };
    let ratchet = DoubleRatchet::assemble(contents, MAX_JUMP)?;
    if phase == Phase::Unacknowledged && ratchet.our_key().is_none() {
        return Err(Error::Malformed);
    }
    Ok(Session { keys, their_identity: identities.theirs, phase, ratchet })
}

/// The newest seeds of a chain that a peer can hold, ascending.
pub fn newest(skipped: &[(u32, Secret<32>)], limit: usize) -> &[(u32, Secret<32>)] {
    skipped.split_at(skipped.len().saturating_sub(limit)).1
}
