// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an operator holds to certify senders: a trust root, kept away from the network, and the
//! signers that it certifies (signal.md §10.1; docs/formats.md, "Certificate keys").

use e2ee_primitives::{Secret, random::Random, secret::SecretBytes, x25519, xeddsa};
use e2ee_state::{Failure, Sealer, StoreError};
use e2ee_wire::{
    Error, protobuf,
    record::{RecordReader, write_bytes},
};

use crate::{
    address::{DeviceId, ServiceId, ServiceIdKind},
    keys::encode_ec,
};

use super::certificate::{REVOKED_ID, SenderCertificate, ServerCertificate, Signed};

const FORMAT_VERSION: u8 = 1;
/// The name of a root's record.
pub const ROOT_RECORD: &str = "trust-root";
/// The name of a signer's record.
pub const SIGNER_RECORD: &str = "server-signer";
/// Digits of a phone number behind its plus sign, at most (ITU-T E.164 §6).
const MAX_E164_DIGITS: usize = 15;

/// The key that recipients know, which certifies servers.
#[derive(Debug)]
pub struct TrustRoot {
    key: x25519::PrivateKey,
    revision: u64,
}

impl TrustRoot {
    /// A fresh root.
    pub fn generate(random: &mut dyn Random) -> Result<Self, Error> {
        Ok(Self { key: x25519::PrivateKey::random(random)?, revision: 0 })
    }

    /// The key to give to every recipient.
    #[must_use]
    pub const fn public_key(&self) -> &x25519::PublicKey {
        self.key.public()
    }

    /// The revision under which the root was sealed last, 0 if never.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// A signer with a fresh key, certified under `id`.
    ///
    /// [`Error::InvalidArgument`] for the id that is revoked for ever.
    pub fn server_signer(&self, id: u32, random: &mut dyn Random) -> Result<ServerSigner, Error> {
        if id == REVOKED_ID {
            return Err(Error::InvalidArgument);
        }
        let key = x25519::PrivateKey::random(random)?;
        let mut body = Vec::new();
        protobuf::write_varint(&mut body, 1, u64::from(id));
        protobuf::write_bytes(&mut body, 2, &encode_ec(key.public()));
        let signature = xeddsa::sign(&self.key, &[&body], random)?;
        let certificate = ServerCertificate::of(Signed { body, signature })?;
        Ok(ServerSigner { key, certificate, revision: 0 })
    }

    /// Seals the root under its next revision.
    pub fn seal(&mut self, sealer: &Sealer, random: &mut dyn Random) -> Result<Vec<u8>, Failure> {
        let revision = self.revision.checked_add(1).ok_or(Error::Exhausted)?;
        let plaintext = record(&self.key, &[]);
        let record = sealer.seal(ROOT_RECORD, revision, plaintext.expose(), random)?;
        self.revision = revision;
        Ok(record)
    }

    /// Opens a sealed root.
    pub fn open(sealer: &Sealer, revision: u64, record: &[u8]) -> Result<Self, Failure> {
        let opened = sealer.open(ROOT_RECORD, revision, record)?;
        match read(opened.expose())? {
            (key, []) => Ok(Self { key, revision }),
            _ => Err(StoreError::Corruption.into()),
        }
    }
}

/// Whom a certificate is for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The account.
    pub service_id: ServiceId,
    /// The device.
    pub device: DeviceId,
    /// The identity key.
    pub identity_key: &'a x25519::PublicKey,
    /// The phone number with its plus sign, if recipients shall learn it.
    pub e164: Option<&'a str>,
    /// The last millisecond since the Unix epoch in which the certificate is valid.
    pub expires_ms: u64,
}

/// The key that certifies senders, and what the root says of it.
#[derive(Debug)]
pub struct ServerSigner {
    key: x25519::PrivateKey,
    certificate: ServerCertificate,
    revision: u64,
}

impl ServerSigner {
    /// The root's word for this signer.
    #[must_use]
    pub const fn certificate(&self) -> &ServerCertificate {
        &self.certificate
    }

    /// The revision under which the signer was sealed last, 0 if never.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// A certificate for `subject`, with the signer's own inside.
    ///
    /// [`Error::InvalidArgument`] if the id is not an account's or the phone number is none.
    pub fn issue(
        &self,
        subject: &Subject<'_>,
        random: &mut dyn Random,
    ) -> Result<SenderCertificate, Error> {
        if subject.service_id.kind() != ServiceIdKind::Account
            || !subject.e164.is_none_or(is_phone_number)
        {
            return Err(Error::InvalidArgument);
        }
        let mut body = Vec::new();
        if let Some(e164) = subject.e164 {
            protobuf::write_bytes(&mut body, 1, e164.as_bytes());
        }
        protobuf::write_varint(&mut body, 2, u64::from(subject.device.get()));
        protobuf::write_fixed64(&mut body, 3, subject.expires_ms);
        protobuf::write_bytes(&mut body, 4, &encode_ec(subject.identity_key));
        protobuf::write_bytes(&mut body, 5, &self.certificate.encode());
        protobuf::write_bytes(&mut body, 6, subject.service_id.to_string().as_bytes());
        let signature = xeddsa::sign(&self.key, &[&body], random)?;
        SenderCertificate::of(Signed { body, signature })
    }

    /// Seals the signer under its next revision.
    pub fn seal(&mut self, sealer: &Sealer, random: &mut dyn Random) -> Result<Vec<u8>, Failure> {
        let revision = self.revision.checked_add(1).ok_or(Error::Exhausted)?;
        let plaintext = record(&self.key, &self.certificate.encode());
        let record = sealer.seal(SIGNER_RECORD, revision, plaintext.expose(), random)?;
        self.revision = revision;
        Ok(record)
    }

    /// Opens a sealed signer.
    pub fn open(sealer: &Sealer, revision: u64, record: &[u8]) -> Result<Self, Failure> {
        let opened = sealer.open(SIGNER_RECORD, revision, record)?;
        let (key, certificate) = read(opened.expose())?;
        let certificate =
            ServerCertificate::decode(certificate).map_err(|_| StoreError::Corruption)?;
        if certificate.key() != key.public() {
            return Err(StoreError::Corruption.into());
        }
        Ok(Self { key, certificate, revision })
    }
}

/// Version, both halves of the key, and the certificate behind its length.
fn record(key: &x25519::PrivateKey, certificate: &[u8]) -> SecretBytes {
    let mut out = Vec::with_capacity(certificate.len().saturating_add(80));
    out.push(FORMAT_VERSION);
    out.extend_from_slice(key.expose());
    out.extend_from_slice(key.public().as_bytes());
    write_bytes(&mut out, certificate);
    SecretBytes::new(out)
}

fn read(record: &[u8]) -> Result<(x25519::PrivateKey, &[u8]), Failure> {
    let mut reader = RecordReader::new(record);
    if reader.u8()? != FORMAT_VERSION {
        return Err(StoreError::Corruption.into());
    }
    let secret = Secret::new(*reader.array()?);
    let public = x25519::PublicKey::new(*reader.array()?);
    let certificate = reader.bytes()?;
    reader.finish()?;
    Ok((x25519::PrivateKey::from_parts(secret, public), certificate))
}

fn is_phone_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (1..=MAX_E164_DIGITS).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit())
    })
}
