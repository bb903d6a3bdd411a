// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ratchet of one sender of a room, as we follow it (olm_megolm.md §2; stored as
//! docs/formats.md, "Inbound group session", says).

use e2ee_primitives::{Secret, ed25519, secret::SecretBytes};
use e2ee_ratchet::{JumpRatchet, Rewinder};
use e2ee_state::Workers;
use e2ee_wire::{Error, record::RecordReader};

use super::{
    message::GroupMessage,
    ratchet::{RATCHET_LEN, Ratchet},
    share::{self, SharedRatchet},
};

const FORMAT_VERSION: u8 = 1;
/// Bytes of the stored form: version, provenance, key, two ratchets with their indices.
const STORED_LEN: usize = 1 + 1 + 32 + 2 * (4 + RATCHET_LEN);
/// How many short messages the signature of a message takes as long as.
const SIGNATURE_WEIGHT: usize = 8;

/// What says that a session belongs to the owner of its signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// The key's signature over the session key.
    Signed,
    /// Nothing: it came as an export, which everybody can make who has the session.
    Exported,
}

/// A sender's ratchet, from the earliest index that was shared.
#[derive(Debug)]
pub struct InboundGroupSession {
    signing_key: ed25519::VerifyingKey,
    rewinder: Rewinder<Ratchet>,
    provenance: Provenance,
}

/// A message that the session's key has signed.
#[derive(Debug)]
pub struct Verified<'a>(&'a GroupMessage<'a>);

impl InboundGroupSession {
    /// The session of a session key, 229 bytes, its signature verified.
    ///
    /// The errors are those of [`SharedRatchet::decode_session_key`].
    pub fn from_session_key(session_key: &[u8]) -> Result<Self, Error> {
        SharedRatchet::decode_session_key(session_key)
            .map(|shared| Self::of(shared, Provenance::Signed))
    }

    /// The session of an export, 165 bytes: a backup, a file, or what another device forwarded.
    ///
    /// The errors are those of [`SharedRatchet::decode_export`].
    pub fn from_export(export: &[u8]) -> Result<Self, Error> {
        SharedRatchet::decode_export(export).map(|shared| Self::of(shared, Provenance::Exported))
    }

    fn of(shared: SharedRatchet, provenance: Provenance) -> Self {
        let SharedRatchet { ratchet, signing_key } = shared;
        Self::from_parts(signing_key, Rewinder::new(ratchet), provenance)
    }

    pub(crate) const fn from_parts(
        signing_key: ed25519::PublicKey,
        rewinder: Rewinder<Ratchet>,
        provenance: Provenance,
    ) -> Self {
        let signing_key = ed25519::VerifyingKey::new(signing_key);
        Self { signing_key, rewinder, provenance }
    }

    /// The session's id, which is the sender's signing key, 32 bytes; Matrix writes it in base64.
    #[must_use]
    pub const fn session_id(&self) -> &[u8; 32] {
        self.signing_key.key().as_bytes()
    }

    /// The index of the first message that opens.
    #[must_use]
    pub fn first_known_index(&self) -> u32 {
        self.rewinder.earliest().index()
    }

    /// The highest index of a message that has opened, or the first that can.
    #[must_use]
    pub fn latest_index(&self) -> u32 {
        self.rewinder.latest().index()
    }

    /// What says that the session is its sender's.
    #[must_use]
    pub const fn provenance(&self) -> Provenance {
        self.provenance
    }

    /// The two states that are kept.
    pub(crate) const fn rewinder(&self) -> &Rewinder<Ratchet> {
        &self.rewinder
    }

    /// Goes on from a later state, which an owner has kept apart from the session.
    pub(crate) fn go_on_from(&mut self, latest: Ratchet) {
        self.rewinder.reached(latest);
    }

    /// The export from `index` on, 165 bytes: it opens nothing that was sent before.
    ///
    /// [`Error::UnknownIndex`] if the session does not reach back so far.
    pub fn export_at(&self, index: u32) -> Result<SecretBytes, Error> {
        Ok(share::export(&self.rewinder.at(index)?, self.signing_key.key()))
    }

    /// Takes over what `other` knows of the same session: earlier messages, or the signature.
    ///
    /// olm_megolm.md §2, the merge rule: the ratchets are connected if the one with the lower index
    /// becomes the other. [`Error::InvalidKey`] if they are not, or are of two sessions.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        let (ours, theirs) = (self.rewinder.earliest(), other.rewinder.earliest());
        let index = ours.index().max(theirs.index());
        let connected = ours.jump_to(index).is_same(&theirs.jump_to(index));
        if !connected || self.signing_key.key() != other.signing_key.key() {
            return Err(Error::InvalidKey);
        }
        self.rewinder.extend(theirs.jump_to(theirs.index()));
        if other.provenance == Provenance::Signed {
            self.provenance = Provenance::Signed;
        }
        Ok(())
    }

    /// Verifies the signature, then finds the ratchet of the message and opens it.
    ///
    /// It opens as often as it is asked to: see [`Events`](super::Events). [`Error::Forged`] if the
    /// message does not verify or decrypt, [`Error::UnknownIndex`] if it lies before the first one
    /// that opens. An error has changed nothing.
    pub fn decrypt(&mut self, message: &GroupMessage<'_>) -> Result<SecretBytes, Error> {
        let verified = self.verify(message)?;
        self.open(&verified)
    }

    /// The signatures of many messages, which are nearly all of the work, shared among workers.
    ///
    /// A message that came as an error keeps its place with it.
    pub fn verify_many<'a>(
        &self,
        messages: &'a [Result<GroupMessage<'a>, Error>],
        workers: &impl Workers,
    ) -> Vec<Result<Verified<'a>, Error>> {
        workers.map(
            messages.iter().collect(),
            |_| SIGNATURE_WEIGHT,
            |message, _| message.as_ref().map_err(|error| *error).and_then(|it| self.verify(it)),
        )
    }

    /// Verifies the signature; [`Error::Forged`] if it is not by the session's key.
    pub fn verify<'a>(&self, message: &'a GroupMessage<'a>) -> Result<Verified<'a>, Error> {
        let verdict = self.signing_key.verify(message.signed, message.signature);
        verdict.map(|()| Verified(message)).map_err(|_| Error::Forged)
    }

    /// Opens a message whose signature was verified.
    pub fn open(&mut self, Verified(message): &Verified<'_>) -> Result<SecretBytes, Error> {
        let ratchet = self.rewinder.at(message.index)?;
        let keys = ratchet.message_keys();
        keys.verify(&[message.authenticated], message.tag)?;
        let plaintext = keys.decrypt(message.body)?;
        self.rewinder.reached(ratchet);
        Ok(plaintext)
    }

    /// The stored form behind `prefix`.
    #[must_use]
    pub fn encode(&self, prefix: &[u8]) -> SecretBytes {
        // Of one size from the start: a vector that grows leaves copies of the ratchet behind.
        let mut out = Vec::with_capacity(prefix.len().saturating_add(STORED_LEN));
        out.extend_from_slice(prefix);
        out.push(FORMAT_VERSION);
        out.push(match self.provenance {
            Provenance::Signed => SIGNED,
            Provenance::Exported => EXPORTED,
        });
        out.extend_from_slice(self.session_id());
        for ratchet in [self.rewinder.earliest(), self.rewinder.latest()] {
            out.extend_from_slice(&ratchet.index().to_be_bytes());
            ratchet.encode(&mut out);
        }
        SecretBytes::new(out)
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let provenance = match reader.u8()? {
            SIGNED => Provenance::Signed,
            EXPORTED => Provenance::Exported,
            _ => return Err(Error::CorruptState),
        };
        let signing_key = ed25519::PublicKey::new(*reader.array()?);
        let earliest = stored_ratchet(&mut reader)?;
        let latest = stored_ratchet(&mut reader)?;
        reader.finish()?;
        let rewinder = Rewinder::from_parts(earliest, latest)?;
        Ok(Self::from_parts(signing_key, rewinder, provenance))
    }
}

impl Verified<'_> {
    /// Which message of its sender it is.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.0.index
    }
}

fn stored_ratchet(reader: &mut RecordReader<'_>) -> Result<Ratchet, Error> {
    let index = reader.u32()?;
    Ok(Ratchet::new(&Secret::new(*reader.array()?), index))
}

const SIGNED: u8 = 1;
const EXPORTED: u8 = 2;
