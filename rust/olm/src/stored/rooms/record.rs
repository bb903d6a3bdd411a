// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is kept of a room: who is in it, who has our key, and when that ends (docs/formats.md,
//! "Matrix room").

use std::collections::{BTreeMap, BTreeSet};

use e2ee_account::{Device, draft, names};
use e2ee_primitives::secret::SecretBytes;
use e2ee_wire::{
    Error,
    record::{RecordReader, write_bytes, write_length},
};

use crate::limits::MAX_ROOM_DEVICES;

use super::{
    super::{DeviceId, RoomId},
    rotation::Rotation,
};

const FORMAT_VERSION: u8 = 1;

/// Whether a member has our key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// It was not sent yet.
    Pending,
    /// An invitation with it was made.
    Sent,
}

/// A user's device.
pub(super) type DeviceAddress = (String, DeviceId);

/// A room's record; nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) id: RoomId,
    /// Which session is our own.
    pub(super) session_id: [u8; 32],
    /// When it began, in milliseconds since the Unix epoch.
    pub(super) began_ms: u64,
    pub(super) rotation: Rotation,
    members: BTreeMap<DeviceAddress, Share>,
    /// Devices that were removed, and whose messages are not opened any more.
    silenced: BTreeSet<DeviceAddress>,
}

impl Room {
    pub(super) fn new(id: RoomId, session_id: [u8; 32], began_ms: u64) -> Self {
        let (members, silenced) = (BTreeMap::new(), BTreeSet::new());
        Self { id, session_id, began_ms, rotation: Rotation::DEFAULT, members, silenced }
    }

    /// The members with what they have, in the order of names.
    pub(super) fn members(&self) -> impl Iterator<Item = (&DeviceAddress, Share)> {
        self.members.iter().map(|(device, share)| (device, *share))
    }

    /// The members that do not have our key.
    pub(super) fn pending(&self) -> impl Iterator<Item = &DeviceAddress> {
        self.members().filter(|(_, share)| *share == Share::Pending).map(|(device, _)| device)
    }

    pub(super) fn is_member(&self, whom: (&str, &DeviceId)) -> bool {
        self.members.contains_key(&owned(whom))
    }

    /// Takes a device in, which has nothing yet; a member stays as it is.
    pub(super) fn add(&mut self, whom: (&str, &DeviceId)) -> Result<(), Error> {
        self.members.entry(owned(whom)).or_insert(Share::Pending);
        if self.members.len() > MAX_ROOM_DEVICES { Err(Error::InvalidArgument) } else { Ok(()) }
    }

    /// Whether the device was a member, which it is no longer.
    pub(super) fn remove(&mut self, whom: (&str, &DeviceId)) -> bool {
        self.members.remove(&owned(whom)).is_some()
    }

    /// Notes what a member has; [`Error::InvalidArgument`] if the device is none.
    pub(super) fn share(&mut self, whom: (&str, &DeviceId), share: Share) -> Result<(), Error> {
        *self.members.get_mut(&owned(whom)).ok_or(Error::InvalidArgument)? = share;
        Ok(())
    }

    /// Begins with another session of our own: nobody has it.
    pub(super) fn rotate(&mut self, session_id: [u8; 32], began_ms: u64) {
        self.session_id = session_id;
        self.began_ms = began_ms;
        for share in self.members.values_mut() {
            *share = Share::Pending;
        }
    }

    /// Whether what the device writes is not opened.
    pub(super) fn is_silenced(&self, whom: (&str, &DeviceId)) -> bool {
        self.silenced.contains(&owned(whom))
    }

    /// Notes that what the device writes is not opened any more. Of too many, the first in the
    /// order of names gives way: a removal is never refused.
    pub(super) fn silence(&mut self, whom: (&str, &DeviceId)) {
        self.silenced.insert(owned(whom));
        if self.silenced.len() > MAX_ROOM_DEVICES {
            self.silenced.pop_first();
        }
    }

    /// Notes that what the device writes is opened.
    pub(super) fn hear(&mut self, whom: (&str, &DeviceId)) {
        self.silenced.remove(&owned(whom));
    }

    pub(super) fn encode(&self) -> SecretBytes {
        draft::encoded(|out| {
            out.push(FORMAT_VERSION);
            self.id.encode(out);
            out.extend_from_slice(&self.session_id);
            out.extend_from_slice(&self.began_ms.to_be_bytes());
            out.extend_from_slice(&self.rotation.messages.to_be_bytes());
            out.extend_from_slice(&self.rotation.period_ms.to_be_bytes());
            write_length(out, self.members.len());
            for (member, share) in &self.members {
                write_device(out, member);
                out.push(match share {
                    Share::Pending => 1,
                    Share::Sent => 2,
                });
            }
            write_length(out, self.silenced.len());
            for device in &self.silenced {
                write_device(out, device);
            }
        })
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let id = RoomId::decode(&mut reader)?;
        let mut room = Self::new(id, *reader.array()?, reader.u64()?);
        room.rotation = Rotation { messages: reader.u32()?, period_ms: reader.u64()? };
        for _ in 0..reader.length(MAX_ROOM_DEVICES)? {
            let member = read_device(&mut reader)?;
            let share = match reader.u8()? {
                1 => Share::Pending,
                2 => Share::Sent,
                _ => return Err(Error::CorruptState),
            };
            if room.members.last_key_value().is_some_and(|(last, _)| *last >= member) {
                return Err(Error::CorruptState);
            }
            room.members.insert(member, share);
        }
        for _ in 0..reader.length(MAX_ROOM_DEVICES)? {
            let device = read_device(&mut reader)?;
            if room.silenced.last().is_some_and(|last| *last >= device) {
                return Err(Error::CorruptState);
            }
            room.silenced.insert(device);
        }
        reader.finish()?;
        Ok(room)
    }
}

fn owned((user, device): (&str, &DeviceId)) -> DeviceAddress {
    (user.to_owned(), device.clone())
}

fn write_device(out: &mut Vec<u8>, (user, device): &DeviceAddress) {
    write_bytes(out, user.as_bytes());
    device.encode(out);
}

fn read_device(reader: &mut RecordReader<'_>) -> Result<DeviceAddress, Error> {
    Ok((names::read_user(reader)?, DeviceId::decode(reader)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str) -> DeviceId {
        DeviceId::new(name).unwrap()
    }

    fn empty() -> Room {
        Room::new(RoomId::new("!room:example.org").unwrap(), [7; 32], 5)
    }

    fn room() -> Room {
        let mut room = empty();
        for (user, name) in [("dora", "A"), ("bob", "B"), ("bob", "A")] {
            room.add((user, &device(name))).unwrap();
        }
        room.share(("bob", &device("B")), Share::Sent).unwrap();
        room.silence(("eve", &device("A")));
        room
    }

    #[test]
    fn the_stored_form_reads_back_and_every_truncation_is_damage() {
        let encoded = room().encode();

        assert_eq!(Ok(room()), Room::decode(encoded.expose()));
        for length in 0..encoded.len() {
            assert!(Room::decode(&encoded.expose()[..length]).is_err(), "{length}");
        }
        assert!(Room::decode(&[encoded.expose(), &[0]].concat()).is_err());
    }

    #[test]
    fn a_new_session_is_nobodys() {
        let mut room = room();
        assert_eq!(2, room.pending().count());

        room.rotate([8; 32], 6);

        assert_eq!(([8; 32], 6, 3), (room.session_id, room.began_ms, room.pending().count()));
    }

    #[test]
    fn who_is_no_member_has_no_share() {
        let shared = room().share(("carol", &device("A")), Share::Sent);

        assert_eq!(Err(Error::InvalidArgument), shared);
    }

    #[test]
    fn a_room_has_place_for_its_limit_and_no_more() {
        let mut room = empty();
        for number in 0..MAX_ROOM_DEVICES {
            room.add((&format!("{number}"), &device("A"))).unwrap();
            room.silence((&format!("{number}"), &device("A")));
        }
        assert!(Room::decode(room.encode().expose()).is_ok());

        room.silence(("removed", &device("A")));

        assert_eq!(Err(Error::InvalidArgument), room.add(("more", &device("A"))));
        assert!(room.is_silenced(("removed", &device("A"))));
        assert_eq!(MAX_ROOM_DEVICES, room.silenced.len());
    }
}
