// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sealed sender for a device that its owner stores itself (signal.md §10). Nothing of the device
//! changes: the message inside is encrypted and opened by a session or a chain.

use e2ee_primitives::{Random, SecretBytes, x25519};
use e2ee_wire::Error;

use crate::{
    account::{protocol_address, service_id},
    envelope::MAX_ENVELOPE_LEN,
    sealed_sender::{
        self, Content, Receiver, TrustAnchors, v1,
        v2::{self, Recipients},
    },
};

use super::Device;

impl Device {
    /// Seals a content message of ours for the owner of `their_key`, in the first version.
    ///
    /// [`Error::InvalidCertificate`] if the certificate inside is not this device's or has expired
    /// at `now_ms`, milliseconds since the Unix epoch; [`Error::InvalidArgument`] if no envelope
    /// holds so long a message.
    pub fn seal_content(
        &self,
        content: &Content,
        their_key: &x25519::PublicKey,
        now_ms: u64,
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, Error> {
        v1::seal(&self.identity, their_key, &self.encoded(content, now_ms)?, random)
    }

    /// Seals a content message of ours for many, in the second version: the sent form, which a
    /// server fans out. The errors are those of [`Device::seal_content`] and [`v2::seal`].
    pub fn seal_content_for_many(
        &self,
        content: &Content,
        recipients: &Recipients<'_>,
        now_ms: u64,
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, Error> {
        v2::seal(&self.identity, &self.encoded(content, now_ms)?, recipients, random)
    }

    /// Opens a sealed message of either version; the message inside is still to be opened, as one
    /// of the device that the certificate names. `e164` is our phone number, if we have one.
    ///
    /// [`Error::Forged`] if the seal does not open, [`Error::InvalidCertificate`] if no trusted
    /// server vouches for the sender, [`Error::SelfSend`] if this device is the sender,
    /// [`Error::Malformed`] also for more bytes than an envelope has.
    pub fn open_sealed(
        &self,
        sealed: &[u8],
        anchors: &TrustAnchors<'_>,
        e164: Option<&str>,
        now_ms: u64,
    ) -> Result<Content, Error> {
        if sealed.len() > MAX_ENVELOPE_LEN {
            return Err(Error::Malformed);
        }
        let address = protocol_address(self.address.name(), self.address.device())?;
        let receiver = Receiver { identity: &self.identity, address: &address, e164 };
        let content = sealed_sender::open(sealed, &receiver, anchors, now_ms)?;
        content.check_inner_identity()?;
        Ok(content)
    }

    /// The bytes to seal, if they may be.
    fn encoded(&self, content: &Content, now_ms: u64) -> Result<SecretBytes, Error> {
        let subject = (service_id(self.address.name()), self.address.device());
        content.certificate.check_subject(subject, self.identity_key(), now_ms)?;
        let encoded = content.encode();
        let fits = encoded.len() <= MAX_ENVELOPE_LEN - SEAL_LEN;
        if fits { Ok(encoded) } else { Err(Error::InvalidArgument) }
    }
}

/// Bytes that an envelope and a seal for one recipient add, rounded up.
const SEAL_LEN: usize = 256;

#[cfg(test)]
mod tests;
