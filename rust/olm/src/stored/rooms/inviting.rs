// SPDX-License-Identifier: MIT OR Apache-2.0
//! Giving our session to the members of a room, each through its session of two (olm_megolm.md §8).

use e2ee_account::{Environment, Learnt, Outcome, draft::Draft, outcome::At};
use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Step};
use e2ee_wire::Error;

use super::{
    super::{DeviceId, LoadedPeer, Peer, RoomId, StoredAccount, envelope::wrap, send},
    payload::{self, Between},
    record::{DeviceAddress, Share},
};

/// An invitation for one member.
#[derive(Debug)]
pub struct Invitation {
    /// The member's name.
    pub user: String,
    /// The member's device.
    pub device: DeviceId,
    /// The envelope, for this device alone.
    pub envelope: Vec<u8>,
}

/// A member's peer after its session has moved, and as it is stored.
type Invited = (Box<LoadedPeer>, Peer);

impl StoredAccount {
    /// Makes an invitation for every member that does not have our session, and notes that it
    /// does. A session that has come to its end gives way to the next one before.
    ///
    /// Members without a usable session of two, or whose Ed25519 key is not known, are left out:
    /// they stay pending.
    pub fn room_invitations(
        &mut self,
        id: &RoomId,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<Invitation>>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut loaded = self.load_room(id, environment.records)?;
        let own = self.load_own(&loaded, environment.records)?;
        if loaded.is_due(&own, environment.now_ms) {
            self.end_own(&mut loaded, environment)?;
        }
        let own = loaded.own.as_ref().unwrap_or(&own);
        let (session_id, session_key) = (*own.session_id(), own.session_key());
        let pending: Vec<DeviceAddress> = loaded.room.pending().cloned().collect();
        let (mut invitations, mut peers) = (Vec::new(), Vec::new());
        for (user, device) in pending {
            let key = (&session_id, &session_key);
            let Some((envelope, peer)) = self.invite((&user, &device), id, key, environment)?
            else {
                continue;
            };
            loaded.room.share((&user, &device), Share::Sent)?;
            peers.push(peer);
            invitations.push(Invitation { user, device, envelope });
        }
        let mut index = self.vault.index();
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        for (peer, before) in &mut peers {
            // The session moves, the list of sessions does not: the index stays as it is.
            let unchanged = (Some(&*before), self.vault.index());
            self.vault.save_peer(peer, unchanged, &mut draft, &mut learnt)?;
        }
        self.save_room(&loaded, &mut index, &mut draft, &mut learnt)?;
        self.vault.put_changed_index(index, &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), invitations, environment)
    }

    /// The envelope for one member, or `None` if there is no way to it.
    fn invite(
        &mut self,
        whom: (&str, &DeviceId),
        room: &RoomId,
        key: (&[u8; 32], &SecretBytes),
        environment: &mut Environment<'_>,
    ) -> Result<Option<(Vec<u8>, Invited)>, Failure> {
        let Some(mut peer) = self.load_peer(environment.records, whom)? else {
            return Ok(None);
        };
        let Some(recipient_key) = peer.peer.identity.signing_key else { return Ok(None) };
        let (sender, sender_key) = (self.user().0, *self.signing_key());
        let between = Between { sender, sender_key, recipient: whom.0, recipient_key };
        let payload = payload::write(&between, room, key);
        let before = peer.peer.clone();
        let at: At<'_> = (environment.now_ms, environment.random);
        match send::encrypt(&mut peer, payload.expose(), at) {
            Ok(message) => Ok(Some((wrap(&message), (peer, before)))),
            Err(Error::NoSession | Error::UntrustedIdentity) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }
}
