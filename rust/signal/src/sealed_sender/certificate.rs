// SPDX-License-Identifier: MIT OR Apache-2.0
//! Certificates: who may send, vouched for by a server, which a trust root vouches for
//! (signal.md §10.1).
//!
//! Signatures cover the bodies as they came, so those are kept; the parsed fields stand beside.

use e2ee_primitives::{x25519, xeddsa};
use e2ee_wire::{
    Error,
    protobuf::{self, Value},
};

use crate::{
    address::{DeviceId, ServiceId, ServiceIdKind},
    keys::decode_ec,
};

/// The id of a server certificate that is revoked for ever; tests of clients use it.
pub const REVOKED_ID: u32 = 0xDEAD_C357;

/// What a validation rests on; all of it is the application's choice.
#[derive(Clone, Copy, Debug)]
pub struct TrustAnchors<'a> {
    /// The keys of which one must have signed the server's certificate.
    pub roots: &'a [x25519::PublicKey],
    /// Server certificates that sender certificates may name by their ids.
    pub signers: &'a [ServerCertificate],
    /// Ids of server certificates that count no more, besides [`REVOKED_ID`].
    pub revoked: &'a [u32],
}

/// A body and its signature, as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) body: Vec<u8>,
    pub(super) signature: [u8; 64],
}

impl Signed {
    /// Unlike the reference client, a field that stands twice is refused: nothing signs the copy
    /// that does not count.
    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let [body, signature] = protobuf::singular(bytes)?;
        Ok(Self {
            body: required(body)?.bytes()?.to_vec(),
            signature: required(signature)?.bytes()?.try_into().map_err(|_| Error::Malformed)?,
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len().saturating_add(80));
        protobuf::write_bytes(&mut out, 1, &self.body);
        protobuf::write_bytes(&mut out, 2, &self.signature);
        out
    }

    /// The verdict alone: whoever asks combines it with others, and tells none apart.
    fn is_by(&self, key: &x25519::PublicKey) -> bool {
        xeddsa::verify(key, &[&self.body], &self.signature).is_ok()
    }
}

/// What a trust root says of a server: its id and its signing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCertificate {
    id: u32,
    key: x25519::PublicKey,
    signed: Signed,
}

impl ServerCertificate {
    /// Parses a certificate; nothing of it is trusted yet.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Self::of(Signed::decode(bytes)?)
    }

    pub(super) fn of(signed: Signed) -> Result<Self, Error> {
        let [id, key] = protobuf::singular(&signed.body)?;
        let id = required(id)?.u32()?;
        Ok(Self { id, key: decode_ec(required(key)?.bytes()?)?, signed })
    }

    /// The certificate as it travels.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.signed.encode()
    }

    /// The number by which sender certificates may name it.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// The key that signs sender certificates.
    #[must_use]
    pub const fn key(&self) -> &x25519::PublicKey {
        &self.key
    }

    /// Whether one of the roots signed it; all are tried, whatever the first ones say.
    fn is_rooted(&self, roots: &[x25519::PublicKey]) -> bool {
        roots.iter().fold(false, |rooted, root| rooted | self.signed.is_by(root))
    }
}

/// Who signed a sender certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The server with this certificate, which travels along.
    Embedded(ServerCertificate),
    /// The server whose certificate the application knows by this id.
    Known(u32),
}

/// What a server says of a sender: service id, device and identity key, until a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderCertificate {
    sender: ServiceId,
    device: DeviceId,
    expires_ms: u64,
    identity_key: x25519::PublicKey,
    e164: Option<String>,
    signer: Signer,
    signed: Signed,
}

impl SenderCertificate {
    /// Parses a certificate; nothing of it is trusted before [`SenderCertificate::validate`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Self::of(Signed::decode(bytes)?)
    }

    /// Unlike the reference client, names are the UUIDs of accounts only, an identity key has its
    /// one form, and of two forms of a field that exclude each other only one may stand.
    pub(super) fn of(signed: Signed) -> Result<Self, Error> {
        let [e164, device, expires, identity, embedded, text, binary, known] =
            protobuf::singular(&signed.body)?;
        let identity_key = decode_ec(required(identity)?.bytes()?)?;
        if !identity_key.is_reduced() {
            return Err(Error::InvalidKey);
        }
        let device = DeviceId::new(required(device)?.u32()?).map_err(|_| Error::Malformed)?;
        Ok(Self {
            sender: decode_sender(text, binary)?,
            device,
            expires_ms: required(expires)?.fixed64()?,
            identity_key,
            e164: e164.map(|text| decode_text(text).map(str::to_owned)).transpose()?,
            signer: decode_signer(embedded, known)?,
            signed,
        })
    }

    /// The certificate as it travels.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.signed.encode()
    }

    /// The sender's account.
    #[must_use]
    pub const fn sender(&self) -> ServiceId {
        self.sender
    }

    /// The sender's device.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// The last millisecond since the Unix epoch in which the certificate is valid.
    #[must_use]
    pub const fn expires_ms(&self) -> u64 {
        self.expires_ms
    }

    /// The sender's identity key.
    #[must_use]
    pub const fn identity_key(&self) -> &x25519::PublicKey {
        &self.identity_key
    }

    /// The sender's phone number, if the certificate tells it.
    #[must_use]
    pub fn e164(&self) -> Option<&str> {
        self.e164.as_deref()
    }

    /// Who signed it.
    #[must_use]
    pub const fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Whether this is the certificate of a device of an account with this identity key, and not
    /// expired at `now_ms`; [`Error::InvalidCertificate`] if not. For its owner: nothing is verified.
    pub fn check_subject(
        &self,
        (account, device): (ServiceId, DeviceId),
        identity_key: &x25519::PublicKey,
        now_ms: u64,
    ) -> Result<(), Error> {
        let is_of = (self.sender, self.device) == (account, device)
            && self.identity_key == *identity_key
            && now_ms <= self.expires_ms;
        if is_of { Ok(()) } else { Err(Error::InvalidCertificate) }
    }

    /// Whether a trusted server says this at `now_ms`, milliseconds since the Unix epoch;
    /// [`Error::InvalidCertificate`] if not, whatever the cause (signal.md §10.1).
    ///
    /// Every check is made, so that the time does not tell which one failed.
    pub fn validate(&self, anchors: &TrustAnchors<'_>, now_ms: u64) -> Result<(), Error> {
        let signer = match &self.signer {
            Signer::Embedded(certificate) => certificate,
            Signer::Known(id) => {
                let known = anchors.signers.iter().find(|signer| signer.id == *id);
                known.ok_or(Error::InvalidCertificate)?
            }
        };
        let checks = [
            signer.id != REVOKED_ID && !anchors.revoked.contains(&signer.id),
            signer.is_rooted(anchors.roots),
            self.signed.is_by(&signer.key),
            now_ms <= self.expires_ms,
        ];
        if checks == [true; 4] { Ok(()) } else { Err(Error::InvalidCertificate) }
    }
}

/// The UUID of an account, as text or as 16 bytes.
fn decode_sender(text: Option<Value<'_>>, binary: Option<Value<'_>>) -> Result<ServiceId, Error> {
    let sender = match (text, binary) {
        (Some(text), None) => ServiceId::parse(decode_text(text)?),
        (None, Some(binary)) => {
            let uuid: Result<[u8; 16], _> = binary.bytes()?.try_into();
            uuid.ok().map(|uuid| ServiceId::new(ServiceIdKind::Account, uuid))
        }
        _ => None,
    };
    sender.filter(|sender| sender.kind() == ServiceIdKind::Account).ok_or(Error::Malformed)
}

fn decode_signer(embedded: Option<Value<'_>>, known: Option<Value<'_>>) -> Result<Signer, Error> {
    match (embedded, known) {
        (Some(embedded), None) => {
            ServerCertificate::decode(embedded.bytes()?).map(Signer::Embedded)
        }
        (None, Some(id)) => id.u32().map(Signer::Known),
        _ => Err(Error::Malformed),
    }
}

fn decode_text(value: Value<'_>) -> Result<&str, Error> {
    core::str::from_utf8(value.bytes()?).map_err(|_| Error::Malformed)
}

fn required(field: Option<Value<'_>>) -> Result<Value<'_>, Error> {
    field.ok_or(Error::Malformed)
}
