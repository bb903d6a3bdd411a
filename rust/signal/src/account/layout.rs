// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the records of an account hang together (docs/storage.md, "What vouches for what"): the root
//! record vouches for peers and groups, and heads for the revisions of their parts.

use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_wire::Error;

use crate::{DeviceId, Parties, Session, dialect::Signal, parts::Revisions};

use super::{Content, names, protocol::Protocol, rekey};

impl Protocol for Signal {
    type Device = DeviceId;
    type Content = Content;
    type Identity = x25519::PublicKey;
    type Parties = Parties;
    type Session = Session;

    const MEMBERS: &'static [&'static str] = &[names::PEER_PREFIX, names::GROUP_PREFIX];

    /// Chains of a group that another process changed may have gone and begun anew.
    fn member_of(name: &str) -> Option<String> {
        names::group_of_chain(name)
    }

    fn advanced(name: &str, content: &SecretBytes) -> Result<Option<SecretBytes>, Error> {
        if names::is_session_head(name)
            && let Some(head) = Revisions::advanced(content.expose())?
        {
            return Ok(Some(head));
        }
        match names::parts_of(name) {
            0 => Ok(None),
            parts => rekey::advanced(content, parts).map(Some),
        }
    }
}
