// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sealed messages of an account: the sender is under the seal, in a certificate (signal.md §10;
//! docs/storage.md, "Sealed messages").
//!
//! A certificate names a service id, an account knows its peers by the application's names. The
//! mapping from names to ids has no inverse, so the known peers are asked; a sender who is none
//! of them goes by the text of the id. A person whom the application met under both has two
//! records: then a message is the one's whose session opens it.

use e2ee_primitives::x25519;
use e2ee_state::{Failure, Step};
use e2ee_wire::Error;

use crate::{
    Address, DeviceId, ServiceId,
    envelope::{self, Kind, MAX_ENVELOPE_LEN},
    sealed_sender::{
        self, Content, ContentKind, Hint, Receiver, SenderCertificate, TrustAnchors, v1,
    },
};

use super::{
    Account, Delivery, Environment, Learnt, LoadedPeer, Opened, Outcome, draft::Draft, names,
};

/// An envelope that hides its sender, and what the sender's certificate must rest on.
#[derive(Clone, Copy, Debug)]
pub struct SealedIncoming<'a> {
    /// The encoded envelope.
    pub envelope: &'a [u8],
    /// Who may vouch for senders.
    pub anchors: TrustAnchors<'a>,
}

/// A message out of its seal, with its sender; it is still to be opened.
#[derive(Debug)]
pub struct Unsealed {
    user: String,
    /// Further names under which the same person is known.
    other_names: Vec<String>,
    device: DeviceId,
    identity_key: x25519::PublicKey,
    kind: Kind,
    message: Vec<u8>,
}

impl Unsealed {
    /// Name and device of the sender, as a server certifies them.
    #[must_use]
    pub fn sender(&self) -> (&str, DeviceId) {
        (&self.user, self.device)
    }

    /// The identity key that the server certifies.
    #[must_use]
    pub const fn identity_key(&self) -> &x25519::PublicKey {
        &self.identity_key
    }
}

/// An opened message with the name and the device of its sender.
pub type OpenedFrom = (String, DeviceId, Opened);

impl Account {
    /// Pads and encrypts `plaintext` like [`Account::encrypt`], and seals the message with the
    /// certificate; the result is an encoded envelope that does not show its sender.
    ///
    /// [`Error::InvalidCertificate`] if the certificate is not this device's, or has expired.
    pub fn encrypt_sealed(
        &mut self,
        (user, device): (&str, DeviceId),
        plaintext: &[u8],
        certificate: &[u8],
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Vec<u8>>>, Failure> {
        let certificate = self.our_certificate(certificate, environment.now_ms)?;
        let (mut loaded, envelope) = self.encrypt_for((user, device), plaintext, environment)?;
        let value = self.seal_envelope(&envelope, certificate, &loaded, environment)?;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        self.vault.save_moved(&mut loaded, &mut draft, &mut learnt)?;
        let step = self.vault.drafted((draft.finish(), learnt), value, environment)?;
        self.vault.rest(loaded);
        Ok(step)
    }

    /// Takes a message out of its seal, and finds out under which name its sender is known.
    /// Nothing changes.
    ///
    /// [`Error::Forged`] if the seal does not open, [`Error::InvalidCertificate`] if no trusted
    /// server vouches for the sender, [`Error::SelfSend`] if this device is the sender.
    pub fn unseal(
        &mut self,
        incoming: &SealedIncoming<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Unsealed, Failure> {
        let (Kind::Sealed, sealed) = envelope::decode(incoming.envelope)? else {
            return Err(Error::Malformed.into());
        };
        self.vault.refresh(environment.records)?;
        let address: Address = self.our_address()?;
        let receiver = Receiver { identity: self.identity.key(), address: &address, e164: None };
        let now_ms = environment.now_ms;
        let content = sealed_sender::open(sealed, &receiver, &incoming.anchors, now_ms)?;
        let identity_key = *content.certificate.identity_key();
        let device = content.certificate.device();
        let kind = content.kind.envelope();
        content.check_inner_identity()?;
        let (user, other_names) = self.names_of(content.certificate.sender(), device);
        let message = content.message;
        Ok(Unsealed { user, other_names, device, identity_key, kind, message })
    }

    /// [`Account::receive`], of a message that was sealed.
    ///
    /// [`Error::UntrustedIdentity`] if the certified identity is not the trusted one.
    pub fn receive_unsealed(
        &mut self,
        unsealed: &Unsealed,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Delivery>>, Failure> {
        self.under_each_name(unsealed, environment, |account, sender, environment| {
            account.receive_from(sender, (unsealed.kind, &unsealed.message), environment)
        })
    }

    /// [`Account::decrypt`], of a message that was sealed.
    pub fn decrypt_unsealed(
        &mut self,
        unsealed: &Unsealed,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<OpenedFrom>>, Failure> {
        self.under_each_name(unsealed, environment, |account, sender, environment| {
            let message = (unsealed.kind, &unsealed.message[..]);
            let Step { writes, result } = account.decrypt_from(sender, message, environment)?;
            let result = result.map(|opened| (sender.0.to_owned(), sender.1, opened));
            Ok(Step { writes, result })
        })
    }

    /// Opens a message as one of the first name under which it opens; the refusal is that of the
    /// first name.
    fn under_each_name<T>(
        &mut self,
        unsealed: &Unsealed,
        environment: &mut Environment<'_>,
        open: impl Fn(&mut Self, (&str, DeviceId), &mut Environment<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut first = None;
        for user in core::iter::once(&unsealed.user).chain(&unsealed.other_names) {
            let sender = (user.as_str(), unsealed.device);
            let opened = self
                .check_trust(sender, &unsealed.identity_key, environment)
                .and_then(|()| open(self, sender, environment));
            match opened {
                Err(Failure::Protocol(refusal)) => _ = first.get_or_insert(refusal),
                opened => return opened,
            }
        }
        Err(first.unwrap_or(Error::NoSession).into())
    }

    /// Whether the certified identity is the one that is trusted, if one is.
    fn check_trust(
        &self,
        (user, device): (&str, DeviceId),
        identity_key: &x25519::PublicKey,
        environment: &mut Environment<'_>,
    ) -> Result<(), Failure> {
        match self.vault.read_peer(environment.records, &names::peer(user, device))? {
            Some((_, peer)) if peer.identity != *identity_key => {
                Err(Error::UntrustedIdentity.into())
            }
            _ => Ok(()),
        }
    }

    /// The names that map to a service id, the likeliest first: of a known device, then of a known
    /// user or our own, a name before the text of the id; if there are none, the text of the id.
    fn names_of(&self, sender: ServiceId, device: DeviceId) -> (String, Vec<String>) {
        let known = self.vault.members().filter_map(|(record, _)| names::peer_of(record).ok());
        let ours = self.identity.user();
        let mut found: Vec<_> = known
            .chain([ours])
            .filter(|(user, _)| names::service_id(user) == sender)
            .map(|(user, known)| (known != device, ServiceId::parse(user).is_some(), user))
            .collect();
        found.sort_unstable();
        let mut names: Vec<String> = Vec::new();
        for (.., user) in found {
            if !names.iter().any(|name| name == user) {
                names.push(user.to_owned());
            }
        }
        if names.is_empty() {
            return (sender.to_string(), names);
        }
        let first = names.remove(0);
        (first, names)
    }

    /// A certificate, if it is this device's and has not expired.
    pub(super) fn our_certificate(
        &self,
        encoded: &[u8],
        now_ms: u64,
    ) -> Result<SenderCertificate, Error> {
        let certificate = SenderCertificate::decode(encoded)?;
        let (user, device) = self.identity.user();
        let subject = (names::service_id(user), device);
        certificate.check_subject(subject, self.identity_key(), now_ms)?;
        Ok(certificate)
    }

    /// Seals the message of an envelope for the peer's identity, in an envelope of its own.
    fn seal_envelope(
        &self,
        envelope: &[u8],
        certificate: SenderCertificate,
        loaded: &LoadedPeer,
        environment: &mut Environment<'_>,
    ) -> Result<Vec<u8>, Error> {
        let (kind, message) = envelope::decode(envelope)?;
        let kind = ContentKind::of_envelope(kind).ok_or(Error::InvalidArgument)?;
        let message = message.to_vec();
        let content =
            Content { kind, certificate, message, hint: Hint::Default, group_id: Vec::new() };
        let identity = self.identity.key();
        let their_key = &loaded.peer.identity;
        let sealed = v1::seal(identity, their_key, &content.encode(), environment.random)?;
        let sealed = envelope::wrap(Kind::Sealed, sealed);
        if sealed.len() > MAX_ENVELOPE_LEN { Err(Error::InvalidArgument) } else { Ok(sealed) }
    }
}

#[cfg(test)]
mod tests;
