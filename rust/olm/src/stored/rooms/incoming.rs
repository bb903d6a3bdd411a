// SPDX-License-Identifier: MIT OR Apache-2.0
//! What comes from a room: keys of its members' sessions, and messages under them (olm_megolm.md §2
//! and §8).

use e2ee_account::{Environment, Learnt, draft::Draft, index::Index};
use e2ee_primitives::{secret::SecretBytes, x25519};
use e2ee_state::{Failure, Records, StoreError};
use e2ee_wire::Error;

use crate::megolm::{GroupMessage, InboundGroupSession};

use super::{
    super::{DeviceId, DeviceKeys, Message, Opened, RoomId, StoredAccount, envelope::RoomMessage},
    KeptKey, LoadedRoom,
    kept_key::{KeyFacts, Origin},
    names,
    payload::RoomKey,
};

/// A key that came from its sender, and its room.
pub(in super::super) struct Invited {
    room: LoadedRoom,
    key: KeptKey,
}

/// Whether a plaintext from a session of two is a key of a room, or wants to be one.
pub(in super::super) fn brings_key(plaintext: &[u8]) -> bool {
    RoomKey::read(plaintext).is_some()
}

impl StoredAccount {
    /// What a plaintext is that a device has sent through a session of two: the application's, or a
    /// key of a room, which is kept. A room that is not known begins.
    ///
    /// The device is `keys` from then on: what it says its Ed25519 key is counts as known.
    /// [`Error::UntrustedIdentity`] if that is another one than is known,
    /// [`Error::Forged`] if the key is not from `user`, or was not meant for us.
    pub(in super::super) fn opened(
        &mut self,
        (user, device): (&str, &DeviceId),
        keys: &mut DeviceKeys,
        plaintext: SecretBytes,
        environment: &mut Environment<'_>,
    ) -> Result<(Opened, Option<Box<Invited>>), Failure> {
        let Some(came) = RoomKey::read(plaintext.expose()) else {
            return Ok((Opened { content: Message::Direct, plaintext }, None));
        };
        let came = came?;
        came.check(user, (self.user().0, self.signing_key()))?;
        let known = *keys.signing_key.get_or_insert(came.sender_key);
        if known != came.sender_key {
            return Err(Error::UntrustedIdentity.into());
        }
        let session = InboundGroupSession::from_session_key(came.session_key.expose())?;
        if *session.session_id() != came.session_id {
            return Err(Error::Malformed.into());
        }
        let facts = KeyFacts {
            room: came.room.clone(),
            sender: keys.identity_key,
            signing_key: Some(came.sender_key),
            origin: Origin::Sender,
            forwarders: Vec::new(),
        };
        let (key, _) = self.taken_in(KeptKey::new(facts, session), environment.records)?;
        let mut room = match self.find_room(&came.room, environment.records)? {
            Some(room) => room,
            None => self.new_room(&came.room, environment)?,
        };
        room.room.hear((user, device));
        let (content, plaintext) = (Message::Invitation(came.room), SecretBytes::new(Vec::new()));
        Ok((Opened { content, plaintext }, Some(Box::new(Invited { room, key }))))
    }

    /// Saves a key that came, with its room, and takes them into `index`.
    pub(in super::super) fn save_invited(
        &self,
        Invited { room, key }: &Invited,
        index: &mut Index,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        self.save_key(key, index, draft, learnt)?;
        self.save_room(room, index, draft, learnt)
    }

    /// Opens a message to a room; the sender is known by the key that it gave us itself.
    ///
    /// [`Error::NoSenderKey`] if it gave us none, or was removed; [`Error::UntrustedIdentity`] if
    /// another device gave it, or the sender is not known by the key under which it gave it. Under
    /// a key that was imported the message is [`Message::Forwarded`].
    pub(in super::super) fn open_room(
        &mut self,
        whom: (&str, &DeviceId),
        trusted: Option<x25519::PublicKey>,
        message: &RoomMessage<'_>,
        records: &mut dyn Records,
    ) -> Result<(Opened, KeptKey), Failure> {
        let room = RoomId::new(message.room).map_err(|_| Error::Malformed)?;
        let known = self.find_room(&room, records)?;
        if known.is_some_and(|known| known.room.is_silenced(whom)) {
            return Err(Error::NoSenderKey.into());
        }
        let mut key = self.key_of(&room, message.session_id, trusted, records)?;
        let plaintext = key.decrypt(&GroupMessage::decode(message.message)?)?;
        let content = match key.facts.origin {
            Origin::Sender => Message::Room(room),
            Origin::Import => Message::Forwarded(room),
        };
        Ok((Opened { content, plaintext }, key))
    }

    /// The key of a session that the device with the identity key `trusted` has; or one that was
    /// imported, if the device is not known.
    fn key_of(
        &mut self,
        room: &RoomId,
        session_id: &[u8; 32],
        trusted: Option<x25519::PublicKey>,
        records: &mut dyn Records,
    ) -> Result<KeptKey, Failure> {
        if let Some(sender) = trusted {
            let name = names::key(room, session_id, &sender);
            if let Some(key) = self.load_key(&name, records)? {
                return Ok(key);
            }
        }
        let others = records.list(&names::keys_of_session(room, session_id))?;
        let refusal = if others.is_empty() { Error::NoSenderKey } else { Error::UntrustedIdentity };
        if trusted.is_some() {
            return Err(refusal.into());
        }
        for (name, _) in others {
            let key = self.load_key(&name, records)?.ok_or(StoreError::Corruption)?;
            if key.facts.origin == Origin::Import {
                return Ok(key);
            }
        }
        Err(refusal.into())
    }
}
