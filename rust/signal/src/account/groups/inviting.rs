// SPDX-License-Identifier: MIT OR Apache-2.0
//! Giving our chain to the members of a group, each through its pairwise session (signal.md §9).

use e2ee_account::outcome::At;
use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Step};
use e2ee_wire::Error;

use crate::{
    DeviceId,
    account::{
        Account, Environment, GroupId, Learnt, LoadedPeer, Outcome, Peer, draft::Draft, send,
    },
    padding::{self, Boundary},
};

use super::record::{DeviceAddress, Share};

/// An invitation for one member.
#[derive(Debug)]
pub struct Invitation {
    /// The member's name.
    pub user: String,
    /// The member's device.
    pub device: DeviceId,
    /// The encoded envelope, for this device alone.
    pub envelope: Vec<u8>,
}

/// A member's peer after its session has moved, and as it is stored.
type Invited = (Box<LoadedPeer>, Peer);

impl Account {
    /// Makes an invitation for every member that does not have our chain, and notes that it does.
    ///
    /// Members without a usable session are left out: they stay pending.
    pub fn invitations(
        &mut self,
        id: &GroupId,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Invitation>>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut loaded = self.load_group(environment.records, id)?;
        let pending: Vec<DeviceAddress> = loaded.group.pending().cloned().collect();
        let own = self.load_own_chain(environment.records, &loaded)?;
        let padded =
            padding::pad(Boundary::Distribution, own.key.distribution(id).encode().expose());
        let (mut invitations, mut peers) = (Vec::new(), Vec::new());
        for (user, device) in pending {
            let Some((envelope, peer)) = self.invite((&user, device), &padded, environment)? else {
                continue;
            };
            loaded.group.share((&user, device), Share::Sent)?;
            peers.push(peer);
            invitations.push(Invitation { user, device, envelope });
        }
        let mut index = self.vault.index();
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        for (peer, before) in &mut peers {
            // The session moves, the list of sessions does not: the index stays as it is.
            self.vault.save_peer(
                peer,
                (Some(before), self.vault.index()),
                &mut draft,
                &mut learnt,
            )?;
        }
        self.save_group(&loaded, &mut index, &mut draft, &mut learnt)?;
        self.vault.put_changed_index(index, &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), invitations, environment)
    }

    /// The envelope for one member, or `None` if there is no usable session with it.
    fn invite(
        &mut self,
        (user, device): (&str, DeviceId),
        padded: &SecretBytes,
        environment: &mut Environment<'_>,
    ) -> Result<Option<(Vec<u8>, Invited)>, Failure> {
        let Some(mut peer) = self.load_peer(environment.records, user, device)? else {
            return Ok(None);
        };
        let before = peer.peer.clone();
        let at: At<'_> = (environment.now_ms, environment.random);
        match send::encrypt_padded(&mut peer, padded, at) {
            Ok(envelope) => Ok(Some((envelope, (peer, before)))),
            Err(Error::NoSession | Error::UntrustedIdentity) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }
}
