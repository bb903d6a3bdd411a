// SPDX-License-Identifier: MIT OR Apache-2.0
//! Groups: one message for all members, under a chain that only invited devices have (signal.md §9;
//! docs/formats.md, "Group").
//!
//! Our chain is given to each member once, through its pairwise session. Whoever may have it and
//! shall read no more, because it was removed, forgotten or has another identity, ends it: the
//! next chain is given to those who are left.

mod chains;
mod incoming;
mod inviting;
mod record;
mod sealing;
mod seeing;

use e2ee_primitives::random::Random;
use e2ee_state::{Failure, Records, Step};
use e2ee_wire::Error;

use crate::{
    DeviceId,
    envelope::{self, Kind, MAX_PLAINTEXT_LEN},
    padding::{self, Boundary},
};

use super::{Account, Environment, GroupId, Learnt, Outcome, check_user, draft::Draft, names};

use record::{DeviceAddress, Share};

pub(super) use chains::LoadedGroup;
pub use inviting::Invitation;
pub use sealing::SealedToGroup;
pub(super) use seeing::{SeenGroup, is_group};

/// What changes in a group on our side; nobody else learns of it.
#[derive(Clone, Copy, Debug)]
pub enum GroupChange<'a> {
    /// A device comes in; it needs an invitation.
    Add(&'a str, DeviceId),
    /// A device goes: what it writes is not opened any more, and our chain ends, so that it reads
    /// nothing more.
    Remove(&'a str, DeviceId),
    /// A member may have lost our chain: it needs an invitation again.
    Reinvite(&'a str, DeviceId),
    /// Our chain ends; everyone needs an invitation to the next one.
    Rotate,
}

/// A member of a group.
#[derive(Debug)]
pub struct Member {
    /// The name.
    pub user: String,
    /// The device.
    pub device: DeviceId,
    /// Whether it still needs an invitation to our chain.
    pub pending: bool,
}

impl Account {
    /// Makes a group of these members, under a random id if none is given.
    ///
    /// [`Error::InvalidArgument`] if a group of this id is known, or if we are among the members.
    pub fn create_group(
        &mut self,
        id: Option<GroupId>,
        members: &[(&str, DeviceId)],
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<GroupId>>, Failure> {
        self.vault.refresh(environment.records)?;
        let id = id.map_or_else(|| random_id(environment.random), Ok)?;
        if self.find_group(environment.records, &id)?.is_some() {
            return Err(Error::InvalidArgument.into());
        }
        let mut loaded = LoadedGroup::new(&id, environment.random)?;
        for member in members {
            self.check_member(*member)?;
            loaded.group.add(*member)?;
        }
        self.changed(&loaded, id, environment)
    }

    /// The ids of all groups, in ascending order.
    pub fn groups(&mut self, records: &mut dyn Records) -> Result<Vec<GroupId>, Failure> {
        self.vault.refresh(records)?;
        Ok(self.group_ids()?)
    }

    /// The members of a group, in the order of names; [`Error::NoGroup`] if it is not known.
    pub fn group_members(
        &mut self,
        id: &GroupId,
        records: &mut dyn Records,
    ) -> Result<Vec<Member>, Failure> {
        self.vault.refresh(records)?;
        let loaded = self.load_group(records, id)?;
        let member = |((user, device), share): (&DeviceAddress, Share)| Member {
            user: user.clone(),
            device: *device,
            pending: share == Share::Pending,
        };
        Ok(loaded.group.members().map(member).collect())
    }

    /// Changes a group; [`Error::NoGroup`] if it is not known.
    pub fn change_group(
        &mut self,
        id: &GroupId,
        change: GroupChange<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut loaded = self.load_group(environment.records, id)?;
        match change {
            GroupChange::Add(user, device) => {
                self.check_member((user, device))?;
                loaded.group.add((user, device))?;
            }
            GroupChange::Remove(user, device) => {
                if loaded.group.remove((user, device)) {
                    self.end_own_chain(&mut loaded, environment)?;
                }
                loaded.group.silence((user, device));
            }
            GroupChange::Reinvite(user, device) => {
                loaded.group.share((user, device), Share::Pending)?;
            }
            GroupChange::Rotate => self.end_own_chain(&mut loaded, environment)?,
        }
        self.changed(&loaded, (), environment)
    }

    /// Pads and encrypts `plaintext` for all members; the result is an encoded envelope.
    ///
    /// [`Error::InvitationsPending`] if a member does not have our chain,
    /// [`Error::InvalidArgument`] above [`MAX_PLAINTEXT_LEN`] bytes.
    pub fn encrypt_to_group(
        &mut self,
        id: &GroupId,
        plaintext: &[u8],
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<u8>>>, Failure> {
        if plaintext.len() > MAX_PLAINTEXT_LEN {
            return Err(Error::InvalidArgument.into());
        }
        self.vault.refresh(environment.records)?;
        let mut loaded = self.load_group(environment.records, id)?;
        if loaded.group.pending().next().is_some() {
            return Err(Error::InvitationsPending.into());
        }
        let mut own = self.load_own_chain(environment.records, &loaded)?;
        let padded = padding::pad(Boundary::Application, plaintext);
        let message = own.key.encrypt(id, padded.expose(), environment.random)?;
        loaded.own = Some(own);
        self.changed(&loaded, envelope::wrap(Kind::Group, message), environment)
    }

    /// Forgets a group with all its chains; nobody else learns of it.
    pub fn leave_group(
        &mut self,
        id: &GroupId,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut loaded = self.load_group(environment.records, id)?;
        let own = self.load_own_chain(environment.records, &loaded)?;
        let senders: Vec<DeviceAddress> = loaded.group.senders().cloned().collect();
        for (user, device) in senders {
            self.drop_sender(&mut loaded, (&user, device), environment.records)?;
        }
        let mut index = self.vault.index();
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        self.delete_group((&loaded, &own), &mut index, &mut draft, &mut learnt)?;
        self.vault.put_index(index, &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), (), environment)
    }

    /// The groups of a peer whose identity is no longer trusted, as they must become: what we had
    /// of it goes, and the chains that it had end.
    pub(super) fn without_peer(
        &mut self,
        whom: (&str, DeviceId),
        environment: &mut Environment<'_>,
    ) -> Result<Vec<LoadedGroup>, Failure> {
        let mut groups = Vec::new();
        for id in self.group_ids()? {
            let mut loaded = self.load_group(environment.records, &id)?;
            if loaded.group.is_member(whom) {
                self.end_own_chain(&mut loaded, environment)?;
            }
            self.drop_sender(&mut loaded, whom, environment.records)?;
            groups.push(loaded);
        }
        Ok(groups)
    }

    /// The step that saves what changed of a group.
    fn changed<T>(
        &mut self,
        loaded: &LoadedGroup,
        value: T,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<T>>, Failure> {
        let mut index = self.vault.index();
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        self.save_group(loaded, &mut index, &mut draft, &mut learnt)?;
        self.vault.put_changed_index(index, &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), value, environment)
    }

    fn check_member(&self, (user, device): (&str, DeviceId)) -> Result<(), Error> {
        check_user(user)?;
        if self.user() == (user, device) { Err(Error::InvalidArgument) } else { Ok(()) }
    }

    /// A group whose next chain nobody has yet.
    pub(super) fn with_next_chain(
        &mut self,
        id: &GroupId,
        environment: &mut Environment<'_>,
    ) -> Result<LoadedGroup, Failure> {
        let mut loaded = self.load_group(environment.records, id)?;
        self.end_own_chain(&mut loaded, environment)?;
        Ok(loaded)
    }

    pub(super) fn group_ids(&self) -> Result<Vec<GroupId>, Error> {
        let names = self.vault.members().map(|(name, _)| name);
        let groups = names.filter(|name| name.starts_with(names::GROUP_PREFIX));
        let mut ids = groups.map(names::group_of).collect::<Result<Vec<_>, _>>()?;
        ids.sort_unstable();
        Ok(ids)
    }
}

/// A random UUID (RFC 9562 §5.4).
fn random_id(random: &mut dyn Random) -> Result<GroupId, Error> {
    let mut id = [0; 16];
    random.fill(&mut id)?;
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut id;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    Ok(id)
}
