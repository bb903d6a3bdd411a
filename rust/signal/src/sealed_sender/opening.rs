// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a recipient does with a sealed message: open it, validate the certificate, refuse its own
//! (signal.md §10.3 to §10.5).

use e2ee_primitives::x25519;
use e2ee_wire::Error;

use crate::address::Address;

use super::{
    certificate::{SenderCertificate, TrustAnchors},
    content::Content,
    v1, v2,
};

/// Who opens.
#[derive(Clone, Copy, Debug)]
pub struct Receiver<'a> {
    /// Our identity key pair.
    pub identity: &'a x25519::PrivateKey,
    /// Our address.
    pub address: &'a Address,
    /// Our phone number, if we have one.
    pub e164: Option<&'a str>,
}

impl Receiver<'_> {
    /// Whether the certificate is this very device's.
    fn is(&self, certificate: &SenderCertificate) -> bool {
        let same_account = self.address.service_id() == Some(certificate.sender());
        let same_number = self.e164.is_some() && self.e164 == certificate.e164();
        (same_account || same_number) && self.address.device() == certificate.device()
    }
}

/// Opens a sealed message of either version at `now_ms`, milliseconds since the Unix epoch.
///
/// The message inside is still to be opened, as one of the device that the certificate names.
/// [`Error::Forged`] if the seal does not open, [`Error::InvalidCertificate`] if no trusted server
/// vouches for the sender, [`Error::SelfSend`] if we are the sender.
pub fn open(
    sealed: &[u8],
    receiver: &Receiver<'_>,
    anchors: &TrustAnchors<'_>,
    now_ms: u64,
) -> Result<Content, Error> {
    let content = match sealed.first().ok_or(Error::Malformed)? >> 4 {
        0 | 1 => v1::open(receiver.identity, sealed)?,
        2 => v2::open(receiver.identity, sealed)?,
        _ => return Err(Error::UnsupportedVersion),
    };
    content.certificate.validate(anchors, now_ms)?;
    if receiver.is(&content.certificate) { Err(Error::SelfSend) } else { Ok(content) }
}
