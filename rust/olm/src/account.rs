// SPDX-License-Identifier: MIT OR Apache-2.0
//! A device of Matrix: its two identity keys and the keys that others start sessions with, in one
//! sealed record (olm_megolm.md §1.4 and §8; docs/formats.md, "Olm account").

use e2ee_primitives::{Secret, ed25519, random::Random, secret::SecretBytes, x25519};
use e2ee_ratchet::Budget;
use e2ee_state::{Failure, Sealer, StoreError};
use e2ee_wire::{Error, record::RecordReader};

use crate::{
    fallback::Memory, keys::SessionKeys, message::PreKeyMessage, one_time_keys::OneTimeKeys,
    session::Session, stored_key,
};

const FORMAT_VERSION: u8 = 2;
/// Without a memory of what was accepted under fallback keys.
const FORMAT_WITHOUT_MEMORY: u8 = 1;
/// The name of an account's record.
pub const RECORD_NAME: &str = "olm account";

/// One device. It cannot be copied: a copy would hand out the same one-time keys.
#[derive(Debug)]
pub struct Account {
    pub(crate) signing: ed25519::SigningKey,
    pub(crate) identity: x25519::PrivateKey,
    pub(crate) one_time: OneTimeKeys,
    revision: u64,
}

impl Account {
    /// A device with fresh identity keys, and no one-time key yet.
    pub fn generate(random: &mut dyn Random) -> Result<Self, Error> {
        let signing = ed25519::SigningKey::random(random)?;
        let identity = x25519::PrivateKey::random(random)?;
        Ok(Self { signing, identity, one_time: OneTimeKeys::none(), revision: 0 })
    }

    /// A device that another program kept, and that was never saved here.
    pub(crate) const fn assemble(
        signing: ed25519::SigningKey,
        identity: x25519::PrivateKey,
        one_time: OneTimeKeys,
    ) -> Self {
        Self { signing, identity, one_time, revision: 0 }
    }

    /// The public Curve25519 key, which agrees in sessions.
    #[must_use]
    pub const fn identity_key(&self) -> &x25519::PublicKey {
        self.identity.public()
    }

    /// The public Ed25519 key, under which everything that the device publishes is signed.
    #[must_use]
    pub const fn signing_key(&self) -> &ed25519::PublicKey {
        self.signing.public()
    }

    /// Signs with the Ed25519 key (RFC 8032 §5.1.6).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message)
    }

    /// The one-time and fallback keys.
    #[must_use]
    pub const fn one_time_keys(&self) -> &OneTimeKeys {
        &self.one_time
    }

    /// The one-time and fallback keys, to make or to forget some; the account must be saved before
    /// new ones are published.
    pub const fn one_time_keys_mut(&mut self) -> &mut OneTimeKeys {
        &mut self.one_time
    }

    /// Starts a session; see [`Session::initiate`].
    pub fn initiate(
        &self,
        their_identity: &x25519::PublicKey,
        one_time_key: &x25519::PublicKey,
        random: &mut dyn Random,
    ) -> Result<Session, Error> {
        Session::initiate(&self.identity, their_identity, one_time_key, random)
    }

    /// Makes the session that a prekey message asks for, opens the message, and forgets the
    /// one-time key; an error has changed nothing.
    ///
    /// A fallback key is not forgotten, but remembers the session. Further first messages of it
    /// belong to it: look for the session that one [matches](Session::matches) before this.
    ///
    /// [`Error::Forged`] if the message names another identity key than `their_identity`, or does
    /// not authenticate, [`Error::UnknownPreKey`] if its one-time key is not held here,
    /// [`Error::Duplicate`], unauthenticated, if its session was accepted under a fallback key before
    /// and is among the latest [`MAX_ACCEPTED_BASE_KEYS`](crate::limits::MAX_ACCEPTED_BASE_KEYS).
    pub fn accept(
        &mut self,
        their_identity: Option<&x25519::PublicKey>,
        message: &PreKeyMessage<'_>,
        budget: &mut Budget,
    ) -> Result<(Session, SecretBytes), Error> {
        let accepted = self.open_first(their_identity, message, budget)?;
        self.accepted(&message.keys);
        Ok(accepted)
    }

    /// The same without a memory, as programs for libolm and vodozemac know it: under a fallback
    /// key, a message can be accepted again.
    pub fn accept_without_memory(
        &mut self,
        their_identity: Option<&x25519::PublicKey>,
        message: &PreKeyMessage<'_>,
        budget: &mut Budget,
    ) -> Result<(Session, SecretBytes), Error> {
        let mut session = self.accept_unopened(their_identity, message)?;
        let plaintext = session.decrypt_prekey(message, budget)?;
        self.one_time.consume(&message.keys.one_time_key);
        Ok((session, plaintext))
    }

    /// What [`Account::accept`] does before it forgets the one-time key.
    pub(crate) fn open_first(
        &self,
        their_identity: Option<&x25519::PublicKey>,
        message: &PreKeyMessage<'_>,
        budget: &mut Budget,
    ) -> Result<(Session, SecretBytes), Error> {
        of_sender(their_identity, message)?;
        self.one_time.check(&message.keys)?;
        let mut session = self.accept_unopened(None, message)?;
        let plaintext = session.decrypt_prekey(message, budget)?;
        Ok((session, plaintext))
    }

    /// The session that a prekey message asks for, before the message is opened, as programs for
    /// libolm want it: nothing is authenticated yet, and the one-time key is still held.
    ///
    /// Once the session has opened the message, the key must go (`OneTimeKeys::consume`). The
    /// errors are those of [`Account::accept_without_memory`], but for what only opening finds.
    pub fn accept_unopened(
        &self,
        their_identity: Option<&x25519::PublicKey>,
        message: &PreKeyMessage<'_>,
    ) -> Result<Session, Error> {
        of_sender(their_identity, message)?;
        let one_time_key =
            self.one_time.find(&message.keys.one_time_key).ok_or(Error::UnknownPreKey)?;
        Session::accept(&self.identity, one_time_key, message)
    }

    /// What [`Account::accept`] does with the keys of a message that has opened.
    pub(crate) fn accepted(&mut self, keys: &SessionKeys) {
        self.one_time.accepted(keys);
    }

    /// The revision under which the account was sealed last, 0 if never.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Seals the account under its next revision.
    pub fn seal(&mut self, sealer: &Sealer, random: &mut dyn Random) -> Result<Vec<u8>, Failure> {
        let revision = self.revision.checked_add(1).ok_or(Error::Exhausted)?;
        let record = sealer.seal(RECORD_NAME, revision, self.encode().expose(), random)?;
        self.revision = revision;
        Ok(record)
    }

    /// Opens a sealed account.
    pub fn open(sealer: &Sealer, revision: u64, record: &[u8]) -> Result<Self, Failure> {
        let opened = sealer.open(RECORD_NAME, revision, record)?;
        let mut reader = RecordReader::new(opened.expose());
        let memory = match reader.u8()? {
            FORMAT_VERSION => Memory::Stored,
            FORMAT_WITHOUT_MEMORY => Memory::Absent,
            _ => return Err(StoreError::Corruption.into()),
        };
        let signing = stored_key::decode(&mut reader)?;
        let secret = Secret::new(*reader.array()?);
        let public = x25519::PublicKey::new(*reader.array()?);
        let identity = x25519::PrivateKey::from_parts(secret, public);
        let one_time = OneTimeKeys::decode_with(&mut reader, memory)?;
        reader.finish()?;
        Ok(Self { signing, identity, one_time, revision })
    }

    fn encode(&self) -> SecretBytes {
        let capacity = self.one_time.encoded_capacity().saturating_add(IDENTITY_CAPACITY);
        let mut out = Vec::with_capacity(capacity);
        out.push(FORMAT_VERSION);
        stored_key::encode(&self.signing, &mut out);
        out.extend_from_slice(self.identity.expose());
        out.extend_from_slice(self.identity.public().as_bytes());
        self.one_time.encode(&mut out);
        SecretBytes::new(out)
    }
}

fn of_sender(
    their_identity: Option<&x25519::PublicKey>,
    message: &PreKeyMessage<'_>,
) -> Result<(), Error> {
    if their_identity.is_some_and(|expected| *expected != message.keys.identity_key) {
        return Err(Error::Forged);
    }
    Ok(())
}

/// Version and both key pairs, at the most.
const IDENTITY_CAPACITY: usize = 1 + stored_key::STORED_CAPACITY + 64;

#[cfg(test)]
mod tests;
