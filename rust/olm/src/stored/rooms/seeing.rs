// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rooms and their keys as a report shows them, as far as their records open (docs/storage.md,
//! "Doctor").

use e2ee_account::Vault;
use e2ee_primitives::x25519;
use e2ee_state::Records;
use e2ee_wire::record::RecordReader;

use crate::{dialect::Olm, megolm::OutboundGroupSession};

use super::{
    super::{DeviceId, RoomId},
    kept_key::KeptKey,
    names,
    opened_runs::OpenedRuns,
    record::{DeviceAddress, Room},
};

/// What the records of a room say.
pub(in super::super) struct SeenRoom {
    room: Room,
    /// The index of our next message; none if our session does not open.
    pub(in super::super) sent: Option<u32>,
}

impl SeenRoom {
    /// The room that has the record `name`, or `None` if that does not open.
    pub(in super::super) fn of(
        name: &str,
        vault: &mut Vault<Olm>,
        records: &mut dyn Records,
    ) -> Option<Self> {
        let (_, opened) = vault.read_member(records, name).ok()??;
        let room = Room::decode(opened.expose()).ok()?;
        let own = vault.read_head(records, &names::sending(&room.id)).ok();
        let own = own.and_then(|(_, own)| OutboundGroupSession::decode(own.expose()).ok());
        let own = own.filter(|own| *own.session_id() == room.session_id);
        Some(Self { sent: own.map(|own| own.index()), room })
    }

    /// The room.
    pub(in super::super) const fn id(&self) -> &RoomId {
        &self.room.id
    }

    /// How many members there are.
    pub(in super::super) fn members(&self) -> usize {
        self.room.members().count()
    }

    /// The members that do not have our session.
    pub(in super::super) fn pending(&self) -> impl Iterator<Item = &DeviceAddress> {
        self.room.pending()
    }

    /// Whether what a device writes is opened.
    pub(in super::super) fn hears(&self, whom: (&str, &DeviceId)) -> bool {
        !self.room.is_silenced(whom)
    }
}

/// The room and the sender of the key that has the record `name`, or `None` if its records do not
/// open.
pub(in super::super) fn see_key(
    name: &str,
    vault: &mut Vault<Olm>,
    records: &mut dyn Records,
) -> Option<(RoomId, x25519::PublicKey)> {
    let (_, opened) = vault.read_member(records, name).ok()??;
    let mut key = KeptKey::decode(opened.expose()).ok()?;
    let (_, read) = vault.read_head(records, &names::read(name)).ok()?;
    key.go_on(read.expose()).ok()?;
    (key.name() == name).then_some((key.facts.room, key.facts.sender))
}

/// Whether these bytes are a room's record.
pub(in super::super) fn is_room(content: &[u8]) -> bool {
    Room::decode(content).is_ok()
}

/// Whether these bytes are our own session of a room.
pub(in super::super) fn is_sending(content: &[u8]) -> bool {
    OutboundGroupSession::decode(content).is_ok()
}

/// Whether these bytes are a received key of a room.
pub(in super::super) fn is_key(content: &[u8]) -> bool {
    KeptKey::decode(content).is_ok()
}

/// Whether these bytes say what has opened under a key.
pub(in super::super) fn is_read(content: &[u8]) -> bool {
    let runs = content.get(READ_HEAD_LEN..).map(RecordReader::new);
    runs.is_some_and(|mut runs| OpenedRuns::decode(&mut runs).is_ok() && runs.finish().is_ok())
}

/// Version, index and ratchet.
const READ_HEAD_LEN: usize = 1 + 4 + 128;
