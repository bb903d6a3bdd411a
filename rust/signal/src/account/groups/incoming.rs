// SPDX-License-Identifier: MIT OR Apache-2.0
//! What comes from a group: invitations to a sender's chain, and messages under one (signal.md §9).

use e2ee_primitives::{random::Random, x25519};
use e2ee_state::{Failure, Records};
use e2ee_wire::Error;

use crate::{
    DeviceId,
    account::{Account, Content, Environment, GroupId, names, receive::Opened},
    import::FormerChains,
    padding::{self, Boundary},
    sender_keys::{DistributionMessage, GroupMessage},
};

use super::{
    chains::{LoadedGroup, ReceivedChains},
    record::Hearing,
};

impl LoadedGroup {
    /// A group that is not in the store yet, with chains that were followed under another program.
    pub(in crate::account) fn imported(
        id: &GroupId,
        chains: Vec<FormerChains>,
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        let mut loaded = Self::new(id, random)?;
        for FormerChains { sender, keys, .. } in chains {
            loaded.group.hear((&sender.user, sender.device))?;
            let mut received = ReceivedChains::none(sender.identity_key);
            received.keys = keys;
            loaded.received.push(((sender.user, sender.device), received));
        }
        Ok(loaded)
    }
}

impl Account {
    /// Takes in a chain that came from a peer, under `identity_key`, through a pairwise session: it
    /// is the peer's own, for messages of that device alone. A group that is not known begins.
    pub(in crate::account) fn accept_invitation(
        &mut self,
        sender: (&str, DeviceId),
        identity_key: &x25519::PublicKey,
        distribution: &DistributionMessage,
        environment: &mut Environment<'_>,
    ) -> Result<LoadedGroup, Failure> {
        let id = &distribution.distribution_id;
        let mut loaded = match self.find_group(environment.records, id)? {
            Some(loaded) => loaded,
            None => LoadedGroup::new(id, environment.random)?,
        };
        let mut chains = if loaded.group.hearing(sender).is_some() {
            self.load_received(environment.records, id, sender)?
        } else {
            ReceivedChains::none(*identity_key)
        };
        if chains.identity_key != *identity_key {
            return Err(Error::UntrustedIdentity.into());
        }
        chains.keys.accept(distribution);
        loaded.group.hear(sender)?;
        let (user, device) = sender;
        loaded.received.push(((user.to_owned(), device), chains));
        Ok(loaded)
    }

    /// Opens a group message; the sender is known by the chain that it gave us itself.
    ///
    /// [`Error::NoSenderKey`] if it gave us none for this group.
    pub(in crate::account) fn open_group(
        &mut self,
        (user, device): (&str, DeviceId),
        message: &GroupMessage<'_>,
        records: &mut dyn Records,
    ) -> Result<(Opened, LoadedGroup), Failure> {
        let id = message.distribution_id;
        let mut loaded = self.find_group(records, id)?.ok_or(Error::NoSenderKey)?;
        if loaded.group.hearing((user, device)) != Some(Hearing::Heard) {
            return Err(Error::NoSenderKey.into());
        }
        let mut chains = self.load_received(records, id, (user, device))?;
        let peer = self.vault.read_peer(records, &names::peer(user, device))?;
        if peer.is_none_or(|(_, peer)| peer.identity != chains.identity_key) {
            return Err(Error::UntrustedIdentity.into());
        }
        let padded = chains.keys.decrypt(message)?;
        let (Boundary::Application, plaintext) = padding::unpad(padded.expose())? else {
            return Err(Error::Malformed.into());
        };
        loaded.received.push(((user.to_owned(), device), chains));
        Ok((Opened { content: Content::Group(*id), plaintext }, loaded))
    }
}
