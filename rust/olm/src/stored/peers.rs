// SPDX-License-Identifier: MIT OR Apache-2.0
//! The devices that an account knows (olm_megolm.md §8).

use e2ee_account::{Environment, Learnt, Outcome, draft::Draft, names};
use e2ee_state::{Failure, Records, Step};
use e2ee_wire::Error;

use super::{DeviceId, DeviceKeys, StoredAccount};

/// A device, as a list of them shows it.
#[derive(Debug, PartialEq, Eq)]
pub struct Contact {
    /// The user's name.
    pub user: String,
    /// The device.
    pub device: DeviceId,
    /// The keys that are trusted.
    pub keys: DeviceKeys,
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
            let (user, keys) = (user.to_owned(), peer.identity);
            contacts.push(Contact { user, device, keys, sessions });
        }
        Ok(contacts)
    }

    /// Forgets a device with all its sessions, and ends our keys of the rooms that it is a member
    /// of; [`Error::NoSession`] if it is not known.
    ///
    /// Its keys of rooms stay, and open what it wrote once its identity key is trusted again.
    pub fn forget(
        &mut self,
        whom: (&str, &DeviceId),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.refresh(environment.records)?;
        let loaded = self.load_peer(environment.records, whom)?.ok_or(Error::NoSession)?;
        let rooms = self.rooms_without(whom, environment)?;
        let mut index = self.vault.index();
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        for room in &rooms {
            self.save_room(room, &mut index, &mut draft, &mut learnt)?;
        }
        self.vault.delete_peer(&loaded, index, &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), (), environment)
    }
}
