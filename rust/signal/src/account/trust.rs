// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whom this account trusts, and how a person changes that (signal.md §8, "Identity trust", and
//! §11; docs/threats.md).
//!
//! Bytes from the network never change it. A bundle that the application gives proposes a new
//! identity key; only `accept_identity` and `verify` make it the trusted one.

use e2ee_primitives::x25519;
use e2ee_state::{Failure, Records, Step};
use e2ee_wire::Error;

use crate::{
    DeviceId, PreKeyBundle,
    safety_number::{self, SafetyNumber, Version},
};

use super::{
    Account, Environment, Learnt, Outcome, draft::Draft, names, peer::Trust, send::NewIdentity,
};

/// A peer, as a list of contacts shows it.
#[derive(Debug)]
pub struct Contact {
    /// The name.
    pub user: String,
    /// The device.
    pub device: DeviceId,
    /// The identity key that is trusted.
    pub identity_key: x25519::PublicKey,
    /// Whether a person compared the safety number.
    pub verified: bool,
    /// Epoch of the current session's post-quantum ratchet, and messages since it began.
    pub pq_progress: Option<(u64, u64)>,
}

impl Account {
    /// Every peer, in the order of names.
    pub fn contacts(&mut self, records: &mut dyn Records) -> Result<Vec<Contact>, Failure> {
        self.vault.refresh(records)?;
        let mut contacts = Vec::new();
        for (name, _) in records.list(names::PEER_PREFIX)? {
            let (user, device) = names::peer_of(&name)?;
            let Some(loaded) = self.load_peer(records, user, device)? else { continue };
            contacts.push(Contact {
                user: user.to_owned(),
                device,
                identity_key: loaded.peer.identity,
                verified: loaded.peer.trust == Trust::Verified,
                pq_progress: loaded.sessions.current().map(crate::Session::pq_progress),
            });
        }
        Ok(contacts)
    }

    /// The safety number with a peer, under its trusted identity or, with `bundle`, under the one
    /// that the bundle proposes. [`Error::NoSession`] if the peer is unknown and no bundle given.
    pub fn safety_number(
        &mut self,
        (user, device): (&str, DeviceId),
        bundle: Option<&[u8]>,
        records: &mut dyn Records,
    ) -> Result<SafetyNumber, Failure> {
        let their_key = if let Some(bundle) = bundle {
            PreKeyBundle::decode(bundle)?.identity_key
        } else {
            self.vault.refresh(records)?;
            let peer = self.vault.read_peer(records, &names::peer(user, device))?;
            peer.ok_or(Error::NoSession)?.1.identity
        };
        let ours = safety_number::Party {
            identity_key: self.identity_key(),
            id: &names::service_id(self.user().0).binary(),
        };
        let theirs = safety_number::Party {
            identity_key: &their_key,
            id: &names::service_id(user).binary(),
        };
        Ok(SafetyNumber::new(Version::ServiceIds, &ours, &theirs))
    }

    /// Marks the trusted identity as compared by a person.
    pub fn mark_verified(
        &mut self,
        (user, device): (&str, DeviceId),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.refresh(environment.records)?;
        let loaded = self.load_peer(environment.records, user, device)?;
        let mut loaded = loaded.ok_or(Error::NoSession)?;
        let before = loaded.peer.clone();
        loaded.peer.trust = Trust::Verified;
        self.vault.saved((loaded, Some(before)), (), environment)
    }

    /// Trusts the identity of `bundle` instead of the one before, and starts a session with it.
    pub fn accept_identity(
        &mut self,
        (user, device): (&str, DeviceId),
        bundle: &[u8],
        verified: bool,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        let trust = if verified { Trust::Verified } else { Trust::FirstUse };
        self.connect_with((user, device), bundle, NewIdentity::Accept(trust), environment)
    }

    /// Forgets a peer with all its sessions and chains; [`Error::NoSession`] if it is not known.
    pub fn forget(
        &mut self,
        (user, device): (&str, DeviceId),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.refresh(environment.records)?;
        let loaded = self.load_peer(environment.records, user, device)?;
        let mut loaded = loaded.ok_or(Error::NoSession)?;
        self.vault.complete(environment.records, &mut loaded)?;
        let groups = self.without_peer((user, device), environment)?;
        let repair = names::repair(user, device);
        let repaired = environment.records.get(&repair)?.map(|stored| stored.revision);
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let mut index = self.vault.index();
        if let Some(revision) = repaired {
            draft.delete(&repair, revision);
        }
        for group in &groups {
            self.save_group(group, &mut index, &mut draft, &mut learnt)?;
        }
        self.vault.delete_peer(&loaded, index, &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), (), environment)
    }
}
