// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names: of records, and of users as the protocol knows them (docs/formats.md, "Record names";
//! signal.md §2.4).

use e2ee_account::Device;
use e2ee_primitives::sha;
use e2ee_wire::{Error, record::RecordReader};

use crate::{Address, DeviceId, ServiceId, address::ServiceIdKind};

use super::GroupId;

pub use e2ee_account::names::check_user;
pub(crate) use e2ee_account::names::hex;
pub(super) use e2ee_account::names::{IDENTITY, PEER_PREFIX, PREKEYS, is_session_head, read_user};

pub(super) const GROUP_PREFIX: &str = "group/";
const CHAIN_PREFIX: &str = "chain/";

/// The namespace of user names that are no service ids (RFC 9562 §5.5): a random UUID.
const USER_NAMESPACE: [u8; 16] = [
    0x7b, 0x1e, 0x5c, 0x02, 0x9a, 0x6d, 0x4f, 0x43, 0xb0, 0xd4, 0x31, 0x8f, 0x52, 0xc6, 0xaa, 0x19,
];

impl Device for DeviceId {
    const MAX_NAME_LEN: usize = "127".len();

    /// The number as `format!` writes it, without the formatter: the name of a peer is made with
    /// each message.
    fn push_name(&self, text: &mut String) {
        let number = self.get();
        let digits =
            [number / 100, number / 10 % 10, number % 10].map(|digit| char::from(b'0' + digit));
        let zeros = digits.iter().take(2).take_while(|digit| **digit == '0').count();
        text.extend(digits.iter().skip(zeros));
    }

    fn of_name(name: &str) -> Result<Self, Error> {
        let number = name.parse().map_err(|_| Error::CorruptState)?;
        Self::new(number).map_err(|_| Error::CorruptState)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.get());
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        Self::new(u32::from(reader.u8()?)).map_err(|_| Error::CorruptState)
    }
}

/// The record of a peer.
pub(super) fn peer(user: &str, device: DeviceId) -> String {
    e2ee_account::names::peer(user, &device)
}

/// User and device of a peer's record.
pub(super) fn peer_of(name: &str) -> Result<(&str, DeviceId), Error> {
    e2ee_account::names::peer_of(name)
}

/// The requests of a peer to send something again.
pub(super) fn repair(user: &str, device: DeviceId) -> String {
    format!("repair/{user}/{}", device.get())
}

/// The record of a group.
pub(super) fn group(id: &GroupId) -> String {
    format!("{GROUP_PREFIX}{}", hex(id))
}

/// The id in the name of a group's record.
pub(super) fn group_of(name: &str) -> Result<GroupId, Error> {
    let digits = name.strip_prefix(GROUP_PREFIX).ok_or(Error::CorruptState)?;
    let number = u128::from_str_radix(digits, 16).map_err(|_| Error::CorruptState)?;
    let id = number.to_be_bytes();
    if hex(&id) == digits { Ok(id) } else { Err(Error::CorruptState) }
}

/// Our own chain for a group.
pub(super) fn own_chain(id: &GroupId) -> String {
    format!("{CHAIN_PREFIX}{}/sending", hex(id))
}

/// The head of the chains of a sender for a group.
pub(super) fn received_chains(id: &GroupId, (user, device): &(String, DeviceId)) -> String {
    format!("{CHAIN_PREFIX}{}/from/{user}/{}", hex(id), device.get())
}

/// The record of the group to which a chain belongs, if the name is that of a chain.
pub(super) fn group_of_chain(name: &str) -> Option<String> {
    let (id, _) = name.strip_prefix(CHAIN_PREFIX)?.split_once('/')?;
    Some(format!("{GROUP_PREFIX}{id}"))
}

pub(super) fn objects(head: &str) -> String {
    format!("{head}/objects")
}

pub(super) fn chains(head: &str) -> String {
    format!("{head}/chains")
}

/// What the chunks of an object begin with; no two objects of a session have the same.
pub(super) fn chunks(head: &str, epoch: u64, object: &str) -> String {
    format!("{head}/chunk/{epoch}/{object}/")
}

/// The record of a chunk; in the order of names the indices ascend.
pub(super) fn chunk(prefix: &str, index: u16) -> String {
    format!("{prefix}{index:04x}")
}

/// The index in the name of a chunk's record.
pub(super) fn chunk_index(name: &str, prefix: &str) -> Result<u16, Error> {
    let digits = name.strip_prefix(prefix).ok_or(Error::CorruptState)?;
    let index = u16::from_str_radix(digits, 16).map_err(|_| Error::CorruptState)?;
    if chunk(prefix, index) == name { Ok(index) } else { Err(Error::CorruptState) }
}

pub(super) fn skipped(head: &str) -> String {
    format!("{head}/skipped")
}

/// How many revisions of other records stand before the content of the record of this name; in a
/// session's head of version 1.
pub(super) fn parts_of(name: &str) -> usize {
    match name.split_once('/') {
        Some(("session", _)) if is_session_head(name) => 2,
        Some(("chain", rest)) if !rest.ends_with("/skipped") && !rest.ends_with("/sending") => 1,
        _ => 0,
    }
}

/// The address under which the protocol knows a user: a service id itself, any other name mapped
/// to one, so that the address block of first messages binds it.
pub(crate) fn protocol_address(user: &str, device: DeviceId) -> Result<Address, Error> {
    check_user(user)?;
    if ServiceId::parse(user).is_some() {
        return Address::new(user, device);
    }
    Address::new(&service_id(user).to_string(), device)
}

/// The service id of a user: the name itself if it is one, or else its image.
#[must_use]
pub fn service_id(user: &str) -> ServiceId {
    ServiceId::parse(user).unwrap_or_else(|| ServiceId::new(ServiceIdKind::Account, uuid5(user)))
}

/// A name-based UUID (RFC 9562 §5.5).
fn uuid5(user: &str) -> [u8; 16] {
    let digest = sha::sha1(&[&USER_NAMESPACE, user.as_bytes()]);
    let mut uuid = [0; 16];
    for (to, from) in uuid.iter_mut().zip(digest) {
        *to = from;
    }
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut uuid;
    *version = *version & 0x0f | 0x50;
    *variant = *variant & 0x3f | 0x80;
    uuid
}

pub(super) fn read_device(reader: &mut RecordReader<'_>) -> Result<DeviceId, Error> {
    Device::decode(reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_formatter_writes_them() {
        for number in 1..=127 {
            let device = DeviceId::new(number).unwrap();
            let name = peer("bob", device);

            assert_eq!(format!("peer/bob/{number}"), name);
            assert_eq!(Ok(("bob", device)), peer_of(&name));
        }
    }

    #[test]
    fn heads_are_told_from_their_parts_whatever_the_user_is_called() {
        let device = DeviceId::new(1).unwrap();
        for user in ["bob", "sending", "a/skipped", "a/1/objects", "from/a/1/sending"] {
            let head = e2ee_account::names::session(user, &device, &[7; 32]);
            let chain = received_chains(&[7; 16], &(user.to_owned(), device));

            let chunk = chunk(&chunks(&head, 7, "vector"), 7);
            let parts = [objects(&head), skipped(&head), chains(&head), chunk];
            assert_eq!([0; 4], parts.each_ref().map(|it| parts_of(it)));
            assert_eq!(2, parts_of(&head));
            assert_eq!([1, 0], [&chain, &skipped(&chain)].map(|it| parts_of(it)));
            assert_eq!([0, 0], [peer(user, device), repair(user, device)].map(|it| parts_of(&it)));
        }
        assert_eq!([0, 0], [own_chain(&[7; 16]), group(&[7; 16])].map(|it| parts_of(&it)));
    }
}
