// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Diffie-Hellman part of a session start: three agreements, or four with a one-time key
//! (X3DH §3.3 and §3.4; signal.md §5.1; Olm, "Initial setup").
//!
//! Both roles give the results in the same order, so their users hash them alike.

use e2ee_primitives::{Secret, x25519};
use e2ee_wire::Error;

/// DH(initiator identity, responder prekey), DH(base, responder identity), DH(base, responder
/// prekey) and, with a one-time key, DH(base, one-time key).
#[derive(Debug)]
pub struct Agreements {
    fixed: [Secret<32>; 3],
    one_time: Option<Secret<32>>,
}

impl Agreements {
    /// The initiator's side: `our_base` is fresh and belongs to this session alone.
    pub fn initiate(
        our_identity: &x25519::PrivateKey,
        our_base: &x25519::PrivateKey,
        theirs: &ResponderKeys<x25519::PublicKey>,
    ) -> Result<Self, Error> {
        Ok(Self {
            fixed: [
                our_identity.agree(&theirs.prekey)?,
                our_base.agree(&theirs.identity)?,
                our_base.agree(&theirs.prekey)?,
            ],
            one_time: theirs.one_time.as_ref().map(|key| our_base.agree(key)).transpose()?,
        })
    }

    /// The responder's side.
    pub fn respond(
        ours: &ResponderKeys<&x25519::PrivateKey>,
        their_identity: &x25519::PublicKey,
        their_base: &x25519::PublicKey,
    ) -> Result<Self, Error> {
        Ok(Self {
            fixed: [
                ours.prekey.agree(their_identity)?,
                ours.identity.agree(their_base)?,
                ours.prekey.agree(their_base)?,
            ],
            one_time: ours.one_time.map(|key| key.agree(their_base)).transpose()?,
        })
    }

    /// The shared secrets in the order of the specification, each 32 bytes.
    #[must_use]
    pub fn expose(&self) -> (&[Secret<32>; 3], Option<&Secret<32>>) {
        (&self.fixed, self.one_time.as_ref())
    }
}

/// What the responder brings: public halves for the initiator, private ones for itself.
#[derive(Debug)]
pub struct ResponderKeys<K> {
    /// The long-term identity key.
    pub identity: K,
    /// The medium-term prekey (Olm: the one-time or fallback key).
    pub prekey: K,
    /// The one-time prekey, if one is used.
    pub one_time: Option<K>,
}
