// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is kept of a group: who is in it, who has our key, and whose keys we have
//! (docs/formats.md, "Group").

use std::collections::BTreeMap;

use e2ee_primitives::secret::SecretBytes;
use e2ee_wire::{
    Error,
    record::{RecordReader, write_bytes, write_length},
};

use crate::{DeviceId, account::draft, account::names, limits::MAX_GROUP_DEVICES};

const FORMAT_VERSION: u8 = 1;

/// Whether a member has our chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// It was not sent yet.
    Pending,
    /// An invitation with it was made.
    Sent,
}

/// Whether what a device writes is opened, whose chains we have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    /// It is.
    Heard,
    /// It was removed. Its chains stay, so that no earlier message opens twice if it comes back.
    Silenced,
}

/// A user's device.
pub(super) type DeviceAddress = (String, DeviceId);

/// A group's record; nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Which chain is our own.
    pub(super) chain_id: u32,
    members: BTreeMap<DeviceAddress, Share>,
    /// The devices whose chains we have.
    senders: BTreeMap<DeviceAddress, Hearing>,
}

impl Group {
    pub(super) const fn new(chain_id: u32) -> Self {
        Self { chain_id, members: BTreeMap::new(), senders: BTreeMap::new() }
    }

    /// The members with what they have, in the order of names.
    pub(super) fn members(&self) -> impl Iterator<Item = (&DeviceAddress, Share)> {
        self.members.iter().map(|(device, share)| (device, *share))
    }

    /// The members that do not have our chain.
    pub(super) fn pending(&self) -> impl Iterator<Item = &DeviceAddress> {
        self.members().filter(|(_, share)| *share == Share::Pending).map(|(device, _)| device)
    }

    pub(super) fn is_member(&self, (user, device): (&str, DeviceId)) -> bool {
        self.members.contains_key(&(user.to_owned(), device))
    }

    /// Takes a device in, which has nothing yet; a member stays as it is.
    pub(super) fn add(&mut self, (user, device): (&str, DeviceId)) -> Result<(), Error> {
        self.members.entry((user.to_owned(), device)).or_insert(Share::Pending);
        if self.members.len() > MAX_GROUP_DEVICES { Err(Error::InvalidArgument) } else { Ok(()) }
    }

    /// Whether the device was a member, which it is no longer.
    pub(super) fn remove(&mut self, (user, device): (&str, DeviceId)) -> bool {
        self.members.remove(&(user.to_owned(), device)).is_some()
    }

    /// Notes what a member has; [`Error::InvalidArgument`] if the device is none.
    pub(super) fn share(
        &mut self,
        (user, device): (&str, DeviceId),
        share: Share,
    ) -> Result<(), Error> {
        let held = self.members.get_mut(&(user.to_owned(), device));
        *held.ok_or(Error::InvalidArgument)? = share;
        Ok(())
    }

    /// Begins with another chain of our own: nobody has it.
    pub(super) fn rotate(&mut self, chain_id: u32) {
        self.chain_id = chain_id;
        for share in self.members.values_mut() {
            *share = Share::Pending;
        }
    }

    /// The devices whose chains we have.
    pub(super) fn senders(&self) -> impl Iterator<Item = &DeviceAddress> {
        self.senders.keys()
    }

    /// Whether we have chains of the device, and open what it writes.
    pub(super) fn hearing(&self, (user, device): (&str, DeviceId)) -> Option<Hearing> {
        self.senders.get(&(user.to_owned(), device)).copied()
    }

    /// Notes that there are chains of the device, and that what it writes is opened.
    pub(super) fn hear(&mut self, (user, device): (&str, DeviceId)) -> Result<(), Error> {
        self.senders.insert((user.to_owned(), device), Hearing::Heard);
        if self.senders.len() > MAX_GROUP_DEVICES { Err(Error::InvalidArgument) } else { Ok(()) }
    }

    /// Notes that what the device writes is not opened any more.
    pub(super) fn silence(&mut self, (user, device): (&str, DeviceId)) {
        if let Some(hearing) = self.senders.get_mut(&(user.to_owned(), device)) {
            *hearing = Hearing::Silenced;
        }
    }

    /// Whether we had chains of the device, which we have no longer.
    pub(super) fn remove_sender(&mut self, (user, device): (&str, DeviceId)) -> bool {
        self.senders.remove(&(user.to_owned(), device)).is_some()
    }

    pub(super) fn encode(&self) -> SecretBytes {
        draft::encoded(|out| {
            out.push(FORMAT_VERSION);
            out.extend_from_slice(&self.chain_id.to_be_bytes());
            write_length(out, self.members.len());
            for (member, share) in &self.members {
                write_device(out, member);
                out.push(match share {
                    Share::Pending => 1,
                    Share::Sent => 2,
                });
            }
            write_length(out, self.senders.len());
            for (sender, hearing) in &self.senders {
                write_device(out, sender);
                out.push(match hearing {
                    Hearing::Heard => 1,
                    Hearing::Silenced => 2,
                });
            }
        })
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let mut group = Self::new(reader.u32()?);
        for _ in 0..reader.length(MAX_GROUP_DEVICES)? {
            let member = read_device(&mut reader)?;
            let share = match reader.u8()? {
                1 => Share::Pending,
                2 => Share::Sent,
                _ => return Err(Error::CorruptState),
            };
            if group.members.last_key_value().is_some_and(|(last, _)| *last >= member) {
                return Err(Error::CorruptState);
            }
            group.members.insert(member, share);
        }
        for _ in 0..reader.length(MAX_GROUP_DEVICES)? {
            let sender = read_device(&mut reader)?;
            let hearing = match reader.u8()? {
                1 => Hearing::Heard,
                2 => Hearing::Silenced,
                _ => return Err(Error::CorruptState),
            };
            if group.senders.last_key_value().is_some_and(|(last, _)| *last >= sender) {
                return Err(Error::CorruptState);
            }
            group.senders.insert(sender, hearing);
        }
        reader.finish()?;
        Ok(group)
    }
}

fn write_device(out: &mut Vec<u8>, (user, device): &DeviceAddress) {
    write_bytes(out, user.as_bytes());
    out.push(device.get());
}

fn read_device(reader: &mut RecordReader<'_>) -> Result<DeviceAddress, Error> {
    Ok((names::read_user(reader)?, names::read_device(reader)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(number: u32) -> DeviceId {
        DeviceId::new(number).unwrap()
    }

    fn group() -> Group {
        let mut group = Group::new(7);
        for (user, number) in [("dora", 1), ("bob", 2), ("bob", 1)] {
            group.add((user, device(number))).unwrap();
            group.hear((user, device(number))).unwrap();
        }
        group.share(("bob", device(2)), Share::Sent).unwrap();
        group.silence(("dora", device(1)));
        group
    }

    #[test]
    fn the_stored_form_reads_back_and_every_truncation_is_damage() {
        let encoded = group().encode();

        assert_eq!(Ok(group()), Group::decode(encoded.expose()));
        for length in 0..encoded.len() {
            assert!(Group::decode(&encoded.expose()[..length]).is_err(), "{length}");
        }
        assert!(Group::decode(&[encoded.expose(), &[0]].concat()).is_err());
    }

    #[test]
    fn a_new_chain_is_nobodys() {
        let mut group = group();
        assert_eq!(2, group.pending().count());

        group.rotate(8);

        assert_eq!((8, 3), (group.chain_id, group.pending().count()));
    }

    #[test]
    fn who_is_no_member_has_no_share() {
        let shared = group().share(("carol", device(1)), Share::Sent);

        assert_eq!(Err(Error::InvalidArgument), shared);
    }

    #[test]
    fn a_group_has_room_for_its_limit_and_no_more() {
        let mut group = Group::new(1);
        for number in 0..MAX_GROUP_DEVICES {
            group.add((&format!("{number}"), device(1))).unwrap();
            group.hear((&format!("{number}"), device(1))).unwrap();
        }

        assert!(Group::decode(group.encode().expose()).is_ok());
        assert_eq!(Err(Error::InvalidArgument), group.add(("more", device(1))));
        assert_eq!(Err(Error::InvalidArgument), group.hear(("more", device(1))));
    }
}
