// SPDX-License-Identifier: MIT OR Apache-2.0
//! The devices that an account knows (olm_megolm.md §8).

use e2ee_account::{Environment, Learnt, Outcome, Trust, draft::Draft, names};
use e2ee_primitives::x25519;
use e2ee_state::{Failure, Records, Step};
use e2ee_wire::Error;

use super::{DeviceId, StoredAccount};

/// A device, as a list of them shows it.
#[derive(Debug, PartialEq, Eq)]
pub struct Contact {
    /// The user's name.
    pub user: String,
    /// The device.
    pub device: DeviceId,
    /// The identity key that is trusted.
    pub identity_key: x25519::PublicKey,
    /// Whether the application has verified it.
    pub verified: bool,
    /// How many sessions there are.
    pub sessions: usize,
}

impl StoredAccount {
    /// Every device with which there is or was a session, in the order of names.
    pub fn contacts(&mut self, records: &mut dyn Records) -> Result<Vec<Contact>, Failure> {
        self.vault.refresh(records)?;
        let mut contacts = Vec::new();
        for (name, _) in records.list(names::PEER_PREFIX)? {
            let Some((_, peer)) = self.vault.read_peer(records, &name)? else { continue };
            let (user, device) = names::peer_of(&name)?;
            let sessions = peer.archived.len().saturating_add(usize::from(peer.current.is_some()));
            let (user, identity_key) = (user.to_owned(), peer.identity);
            let verified = peer.trust == Trust::Verified;
            contacts.push(Contact { user, device, identity_key, verified, sessions });
        }
        Ok(contacts)
    }

    /// Marks the identity key of a device as verified: the application has compared its keys by
    /// emoji, numbers or a QR code, or they are signed by a user's keys that were compared so
    /// (olm_megolm.md §6 and §8).
    ///
    /// [`Error::UntrustedIdentity`] if another key is trusted, [`Error::NoSession`] if the device is
    /// not known.
    pub fn mark_verified(
        &mut self,
        whom: (&str, &DeviceId),
        identity_key: &x25519::PublicKey,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut loaded = self.load_peer(environment.records, whom)?.ok_or(Error::NoSession)?;
        if loaded.peer.identity != *identity_key {
            return Err(Error::UntrustedIdentity.into());
        }
        let before = Some(loaded.peer.clone());
        loaded.peer.trust = Trust::Verified;
        self.vault.saved((loaded, before), (), environment)
    }

    /// Forgets a device with all its sessions; [`Error::NoSession`] if it is not known.
    pub fn forget(
        &mut self,
        whom: (&str, &DeviceId),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.refresh(environment.records)?;
        let loaded = self.load_peer(environment.records, whom)?.ok_or(Error::NoSession)?;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        self.vault.delete_peer(&loaded, self.vault.index(), &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), (), environment)
    }
}
