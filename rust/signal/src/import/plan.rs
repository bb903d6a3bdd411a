// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of the records goes into the new account, and the report on all of them (signal.md §8.1).

use std::collections::BTreeSet;

use e2ee_primitives::{random::Random, x25519};
use e2ee_wire::Error;

use crate::{
    DeviceId,
    account::{GroupId, check_user, hex},
    keys::decode_ec,
    limits::MAX_GROUP_DEVICES,
    sender_keys::{SenderKeyRecord, SenderKeys},
    stock::FormerPreKeys,
};

use super::{
    Kind, LibsignalRecords, Outcome, Reestablish, Refusal, Report, Row, SessionRecord,
    identity_key_pair, pools::read_prekeys,
};

/// What an account is made of, checked.
#[derive(Debug)]
pub struct Plan {
    /// The identity key pair.
    pub identity: x25519::PrivateKey,
    /// The prekeys that others may have fetched.
    pub prekeys: FormerPreKeys,
    /// Whom to trust, at most one identity for a device.
    pub pins: Vec<Pin>,
    /// Whose messages to groups can be opened.
    pub chains: Vec<FormerChains>,
    /// What becomes of each record.
    pub report: Report,
}

/// The identity of a device, to be trusted on first use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The user's name.
    pub user: String,
    /// The device.
    pub device: DeviceId,
    /// The identity key.
    pub identity_key: x25519::PublicKey,
}

/// The chains of a device for a group, under its pinned identity.
#[derive(Debug)]
pub struct FormerChains {
    /// Whose they are.
    pub sender: Pin,
    /// The group.
    pub group: GroupId,
    /// The chains.
    pub keys: SenderKeys,
}

impl Plan {
    /// Reads and checks every record of `owner`'s device.
    ///
    /// Without its identity key pair there is no account: [`Error::Malformed`] or
    /// [`Error::InvalidKey`] if that cannot be used. [`Error::InvalidArgument`] for a name that no
    /// user can have. Everything else is in the report.
    pub fn new(
        owner: (&str, DeviceId),
        records: &LibsignalRecords<'_>,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        check_user(owner.0)?;
        let identity = identity_key_pair(records.identity_key_pair)?;
        let (prekeys, prekey_rows) = read_prekeys(records, identity.public(), random)?;
        let kind = Kind::IdentityKeyPair;
        let name = String::from("own");
        let report = vec![Row { kind, name, peer: None, outcome: Outcome::Imported }];
        let mut plan = Self { identity, prekeys, pins: Vec::new(), chains: Vec::new(), report };
        plan.report.extend(prekey_rows);
        plan.read_identities(records)?;
        plan.read_sessions(records)?;
        plan.read_sender_keys(owner, records)?;
        Ok(plan)
    }

    /// An identity of a user is that of all their devices that have none of their own here: the
    /// first one, and those from which there are sessions or sender keys.
    fn read_identities(&mut self, records: &LibsignalRecords<'_>) -> Result<(), Error> {
        let mut seen = BTreeSet::new();
        for (user, device, record) in &records.identities {
            check_user(user)?;
            let mut devices: BTreeSet<DeviceId> = device.iter().copied().collect();
            if device.is_none() {
                devices = devices_of(user, records)?;
            }
            let outcome = match identity_key(record) {
                _ if !seen.insert((*user, *device)) => Outcome::Refused(Refusal::Repeated),
                Err(refusal) => Outcome::Refused(refusal),
                Ok(identity_key) => {
                    let pin = |device| Pin { user: (*user).to_owned(), device, identity_key };
                    self.pins.extend(devices.into_iter().map(pin));
                    Outcome::Imported
                }
            };
            let name = device.map_or_else(|| (*user).to_owned(), |device| address(user, device));
            let peer = device.map(|device| ((*user).to_owned(), device));
            self.report.push(Row { kind: Kind::Identity, name, peer, outcome });
        }
        Ok(())
    }

    fn read_sessions(&mut self, records: &LibsignalRecords<'_>) -> Result<(), Error> {
        for ((user, device), record) in &records.sessions {
            check_user(user)?;
            let outcome = match SessionRecord::read(record) {
                Err(_) => Outcome::Reestablish(Reestablish::UnreadableSession),
                Ok(record) if record.is_empty() => Outcome::Refused(Refusal::Empty),
                Ok(record) => {
                    let pinned = self.is_pinned((user, *device), &record);
                    Outcome::Reestablish(Reestablish::Session { record, pinned })
                }
            };
            let peer = Some(((*user).to_owned(), *device));
            let name = address(user, *device);
            self.report.push(Row { kind: Kind::Session, name, peer, outcome });
        }
        Ok(())
    }

    fn read_sender_keys(
        &mut self,
        owner: (&str, DeviceId),
        records: &LibsignalRecords<'_>,
    ) -> Result<(), Error> {
        for ((sender, group), record) in &records.sender_keys {
            let (user, device) = *sender;
            check_user(user)?;
            let outcome = match SenderKeyRecord::from_libsignal(record) {
                Err(error) => Outcome::Refused(error.into()),
                Ok(read) if *sender == owner || read.own.is_some() => {
                    Outcome::Reestablish(Reestablish::OwnChain)
                }
                Ok(read) => self.add_chains(*sender, *group, read.received),
            };
            let name = format!("{} {}", address(user, device), hex(group));
            let peer = Some((user.to_owned(), device));
            self.report.push(Row { kind: Kind::SenderKey, name, peer, outcome });
        }
        Ok(())
    }

    fn add_chains(
        &mut self,
        (user, device): (&str, DeviceId),
        group: GroupId,
        keys: SenderKeys,
    ) -> Outcome {
        let pin = self.pins.iter().find(|pin| pin.user == user && pin.device == device);
        let of_group = self.chains.iter().filter(|chains| chains.group == group);
        let refusal = match pin {
            _ if keys.is_empty() => Refusal::Empty,
            None => Refusal::NoIdentity,
            Some(pin) if of_group.clone().any(|chains| chains.sender == *pin) => Refusal::Repeated,
            Some(_) if of_group.count() >= MAX_GROUP_DEVICES => Refusal::TooMany,
            Some(pin) => {
                self.chains.push(FormerChains { sender: pin.clone(), group, keys });
                return Outcome::Imported;
            }
        };
        Outcome::Refused(refusal)
    }

    /// Whether the current session is not under another identity than the pinned one.
    fn is_pinned(&self, (user, device): (&str, DeviceId), record: &SessionRecord) -> bool {
        let pin = self.pins.iter().find(|pin| pin.user == user && pin.device == device);
        let theirs = record.current.and_then(|current| current.their_identity);
        match (pin, theirs) {
            (Some(pin), Some(theirs)) => pin.identity_key == theirs,
            _ => true,
        }
    }
}

/// A peer's identity key, which must be written in the one form that a key has.
fn identity_key(record: &[u8]) -> Result<x25519::PublicKey, Refusal> {
    let key = decode_ec(record)?;
    if key.is_canonical() { Ok(key) } else { Err(Refusal::InvalidKey) }
}

/// The devices of a user that have no identity of their own in the records.
fn devices_of(user: &str, records: &LibsignalRecords<'_>) -> Result<BTreeSet<DeviceId>, Error> {
    let sessions = records.sessions.iter().map(|(address, _)| *address);
    let senders = records.sender_keys.iter().map(|((address, _), _)| *address);
    let named = sessions.chain(senders).filter(|(other, _)| *other == user);
    let mut devices: BTreeSet<DeviceId> = named.map(|(_, device)| device).collect();
    devices.insert(DeviceId::new(1)?);
    for (other, device, _) in &records.identities {
        if let (true, Some(device)) = (*other == user, device) {
            devices.remove(device);
        }
    }
    Ok(devices)
}

/// User and device, with a dot between them.
fn address(user: &str, device: DeviceId) -> String {
    format!("{user}.{}", device.get())
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotARecord => Self::Malformed,
            _ => Self::InvalidKey,
        }
    }
}
