// SPDX-License-Identifier: MIT OR Apache-2.0
//! A message to a group under one seal for all members (signal.md §9 and §10.4).

use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_state::{Failure, Step};
use e2ee_wire::Error;

use crate::{
    Address, Session,
    envelope::MAX_PLAINTEXT_LEN,
    padding::{self, Boundary},
    sealed_sender::{
        Content, ContentKind, Hint,
        v2::{self, Destination, Recipients},
    },
};

use super::{Account, Environment, GroupId, LoadedGroup, Outcome, names};

/// What goes to a group, in whose name, and to whom not.
#[derive(Clone, Copy, Debug)]
pub struct SealedToGroup<'a> {
    /// The message.
    pub plaintext: &'a [u8],
    /// Our certificate.
    pub certificate: &'a [u8],
    /// The users that shall not get it, though they are members.
    pub excluded: &'a [String],
}

/// A member, as the seal addresses it.
struct Addressed {
    address: Address,
    identity_key: x25519::PublicKey,
    registration_id: u32,
}

impl Account {
    /// Encrypts to all members like [`Account::encrypt_to_group`], and seals the message for each;
    /// the result is the sent form, which a server fans out.
    ///
    /// [`Error::InvalidCertificate`] if the certificate is not this device's, [`Error::NoSession`]
    /// without a session with a member, [`Error::InvalidArgument`] if nobody is left, or if two
    /// devices of one user have different identity keys.
    pub fn encrypt_sealed_to_group(
        &mut self,
        id: &GroupId,
        seal: SealedToGroup<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<u8>>>, Failure> {
        if seal.plaintext.len() > MAX_PLAINTEXT_LEN {
            return Err(Error::InvalidArgument.into());
        }
        let certificate = self.our_certificate(seal.certificate, environment.now_ms)?;
        self.vault.refresh(environment.records)?;
        let mut loaded = self.load_group(environment.records, id)?;
        if loaded.group.pending().next().is_some() {
            return Err(Error::InvitationsPending.into());
        }
        let members = self.addressed(&loaded, seal.excluded, environment)?;
        let mut own = self.load_own_chain(environment.records, &loaded)?;
        let padded = padding::pad(Boundary::Application, seal.plaintext);
        let message = own.key.encrypt(id, padded.expose(), environment.random)?;
        let (kind, hint) = (ContentKind::Group, Hint::Default);
        let content = Content { kind, certificate, message, hint, group_id: id.to_vec() };
        let excluded = (&loaded, seal.excluded);
        let sent = self.seal_to(&members, excluded, &content.encode(), environment)?;
        loaded.own = Some(own);
        self.changed(&loaded, sent, environment)
    }

    /// The members that get the message, those of one user together.
    fn addressed(
        &mut self,
        loaded: &LoadedGroup,
        excluded: &[String],
        environment: &mut Environment<'_>,
    ) -> Result<Vec<Addressed>, Failure> {
        let mut addressed = Vec::new();
        for ((user, device), _) in loaded.group.members() {
            if excluded.contains(user) {
                continue;
            }
            let peer = self.load_peer(environment.records, user, *device)?;
            let peer = peer.ok_or(Error::NoSession)?;
            let registration_id = peer.sessions.current().map(Session::their_registration_id);
            addressed.push(Addressed {
                address: names::protocol_address(user, *device)?,
                identity_key: peer.peer.identity,
                registration_id: registration_id.ok_or(Error::NoSession)?,
            });
        }
        Ok(addressed)
    }

    /// Seals an encoded content; of the excluded users only those who are members are named.
    fn seal_to(
        &self,
        members: &[Addressed],
        (loaded, excluded): (&LoadedGroup, &[String]),
        content: &SecretBytes,
        environment: &mut Environment<'_>,
    ) -> Result<Vec<u8>, Error> {
        let destinations: Vec<_> = members
            .iter()
            .map(|member| Destination {
                address: &member.address,
                identity_key: member.identity_key,
                registration_id: member.registration_id,
            })
            .collect();
        let mut left_out = Vec::new();
        for ((user, _), _) in
            loaded.group.members().filter(|((user, _), _)| excluded.contains(user))
        {
            let service_id = names::service_id(user);
            if !left_out.contains(&service_id) {
                left_out.push(service_id);
            }
        }
        let recipients = Recipients { destinations: &destinations, excluded: &left_out };
        v2::seal(self.identity.key(), content, &recipients, environment.random)
    }
}
