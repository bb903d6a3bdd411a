// SPDX-License-Identifier: MIT OR Apache-2.0
//! A group as a report shows it, as far as its records open (docs/storage.md, "Doctor").

use e2ee_state::Records;

use crate::account::{Account, GroupId};

use super::record::{DeviceAddress, Group, Hearing};

/// What the records of a group say.
pub(in crate::account) struct SeenGroup {
    pub(in crate::account) members: usize,
    /// The members that do not have our chain.
    pub(in crate::account) pending: Vec<DeviceAddress>,
    /// The index of our next message; none if our chain does not open.
    pub(in crate::account) sent: Option<u32>,
    pub(in crate::account) senders: Vec<SeenSender>,
}

/// What the records of a sender say.
pub(in crate::account) struct SeenSender {
    pub(in crate::account) device: DeviceAddress,
    pub(in crate::account) heard: bool,
    /// How many chains there are; none if they do not open.
    pub(in crate::account) chains: Option<usize>,
}

impl Account {
    /// A group, or `None` if its own record does not open.
    pub(in crate::account) fn see_group(
        &mut self,
        id: &GroupId,
        records: &mut dyn Records,
    ) -> Option<SeenGroup> {
        let loaded = self.load_group(records, id).ok()?;
        let own = self.load_own_chain(records, &loaded);
        let mut senders = Vec::new();
        for (user, device) in loaded.group.senders() {
            let heard = loaded.group.hearing((user, *device)) == Some(Hearing::Heard);
            let chains = self.load_received(records, id, (user, *device));
            let chains = chains.ok().map(|received| received.keys.len());
            senders.push(SeenSender { device: (user.clone(), *device), heard, chains });
        }
        Some(SeenGroup {
            members: loaded.group.members().count(),
            pending: loaded.group.pending().cloned().collect(),
            sent: own.ok().map(|own| own.key.index()),
            senders,
        })
    }
}

/// Whether these bytes are a group's record.
pub(in crate::account) fn is_group(content: &[u8]) -> bool {
    Group::decode(content).is_ok()
}
