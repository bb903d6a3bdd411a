// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who vouches for senders: roots, signers, certificates, and what recipients trust
//! (signal.md §10.1).

use e2ee_primitives::x25519::PublicKey;
use e2ee_signal::{
    account,
    keys::{decode_ec, encode_ec},
    sealed_sender::{
        SenderCertificate, ServerCertificate, ServerSigner, Subject, TrustAnchors, TrustRoot,
        issuer::{ROOT_RECORD, SIGNER_RECORD},
    },
};

use super::Named;
use crate::{
    edge::{Handle, HandleOut, In, Kind, Out, Output, entry},
    kept,
    own::Own,
    root::StateKey,
    status::Status,
    step::{Record, Step},
    world::{OsRandom, now_ms},
};

impl Kind for Own<TrustRoot> {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeRoot");
}

impl Kind for Own<ServerSigner> {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeSign");
}

impl Kind for SenderCertificate {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeCert");
}

impl Kind for Own<Anchors> {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeAnch");
}

/// What a validation rests on, as far as it was told.
#[derive(Default)]
pub struct Anchors {
    roots: Vec<PublicKey>,
    signers: Vec<ServerCertificate>,
    revoked: Vec<u32>,
}

impl Anchors {
    /// As the core takes them.
    pub fn get(&self) -> TrustAnchors<'_> {
        let Self { roots, signers, revoked } = self;
        TrustAnchors { roots, signers, revoked }
    }
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_trust_root_generate(root: HandleOut<'_, Own<TrustRoot>>) -> Status {
    entry(|| {
        let place = root.place()?;
        place.put(Own::new(TrustRoot::generate(&mut OsRandom)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_trust_root_load(
    key: Handle<'_, StateKey>,
    records: In<'_, Record<'_>>,
    count: usize,
    root: HandleOut<'_, Own<TrustRoot>>,
) -> Status {
    kept::load(&key, (records, count), &root, (ROOT_RECORD, TrustRoot::open))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_trust_root_seal(
    root: Handle<'_, Own<TrustRoot>>,
    key: Handle<'_, StateKey>,
    step: HandleOut<'_, Step>,
) -> Status {
    kept::seal(&root, &key, &step, (ROOT_RECORD, TrustRoot::revision, TrustRoot::seal))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_trust_root_public_key(
    root: Handle<'_, Own<TrustRoot>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(&encode_ec(root.get()?.lock()?.public_key()))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_trust_root_server_signer(
    root: Handle<'_, Own<TrustRoot>>,
    number: u32,
    signer: HandleOut<'_, Own<ServerSigner>>,
) -> Status {
    entry(|| {
        let place = signer.place()?;
        place.put(Own::new(root.get()?.lock()?.server_signer(number, &mut OsRandom)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_server_signer_load(
    key: Handle<'_, StateKey>,
    records: In<'_, Record<'_>>,
    count: usize,
    signer: HandleOut<'_, Own<ServerSigner>>,
) -> Status {
    kept::load(&key, (records, count), &signer, (SIGNER_RECORD, ServerSigner::open))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_server_signer_seal(
    signer: Handle<'_, Own<ServerSigner>>,
    key: Handle<'_, StateKey>,
    step: HandleOut<'_, Step>,
) -> Status {
    kept::seal(&signer, &key, &step, (SIGNER_RECORD, ServerSigner::revision, ServerSigner::seal))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_server_signer_certificate(
    signer: Handle<'_, Own<ServerSigner>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(&signer.get()?.lock()?.certificate().encode())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_server_signer_issue(
    signer: Handle<'_, Own<ServerSigner>>,
    sender: In<'_, Named<'_>>,
    identity_key: In<'_, u8>,
    identity_key_len: usize,
    e164: In<'_, u8>,
    e164_len: usize,
    expires_ms: u64,
    certificate: HandleOut<'_, SenderCertificate>,
) -> Status {
    entry(|| {
        let (place, sender) = (certificate.place()?, sender.one()?.address()?);
        let subject = Subject {
            service_id: account::service_id(sender.name()),
            device: sender.device(),
            identity_key: &decode_ec(identity_key.slice(identity_key_len)?)?,
            e164: e164.optional_text(e164_len)?,
            expires_ms,
        };
        place.put(signer.get()?.lock()?.issue(&subject, &mut OsRandom)?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_certificate_parse(
    bytes: In<'_, u8>,
    bytes_len: usize,
    certificate: HandleOut<'_, SenderCertificate>,
) -> Status {
    entry(|| {
        let place = certificate.place()?;
        place.put(SenderCertificate::decode(bytes.slice(bytes_len)?)?);
        Ok(())
    })
}

/// Gives what a certificate says.
fn said(
    certificate: &Handle<'_, SenderCertificate>,
    (out, capacity, len): (&Out<'_, u8>, usize, &Out<'_, usize>),
    what: impl FnOnce(&SenderCertificate) -> Vec<u8>,
) -> Status {
    entry(|| Output::new(out, capacity, len)?.give(&what(certificate.get()?)))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_certificate_bytes(
    certificate: Handle<'_, SenderCertificate>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    said(&certificate, (&out, capacity, &len), SenderCertificate::encode)
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_certificate_sender(
    certificate: Handle<'_, SenderCertificate>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    said(&certificate, (&out, capacity, &len), |each| each.sender().to_string().into_bytes())
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_certificate_identity_key(
    certificate: Handle<'_, SenderCertificate>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    said(&certificate, (&out, capacity, &len), |each| encode_ec(each.identity_key()).to_vec())
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_certificate_e164(
    certificate: Handle<'_, SenderCertificate>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    let e164 = |each: &SenderCertificate| each.e164().unwrap_or_default().as_bytes().to_vec();
    said(&certificate, (&out, capacity, &len), e164)
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_certificate_device(
    certificate: Handle<'_, SenderCertificate>,
    device: Out<'_, u32>,
) -> Status {
    entry(|| {
        let place = device.place()?;
        place.set(certificate.get()?.device().get().into());
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_certificate_expires_ms(
    certificate: Handle<'_, SenderCertificate>,
    expires_ms: Out<'_, u64>,
) -> Status {
    entry(|| {
        let place = expires_ms.place()?;
        place.set(certificate.get()?.expires_ms());
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sender_certificate_validate(
    certificate: Handle<'_, SenderCertificate>,
    anchors: Handle<'_, Own<Anchors>>,
) -> Status {
    entry(|| {
        let (certificate, anchors) = (certificate.get()?, anchors.get()?.lock()?);
        Ok(certificate.validate(&anchors.get(), now_ms())?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_trust_anchors_new(anchors: HandleOut<'_, Own<Anchors>>) -> Status {
    entry(|| {
        anchors.place()?.put(Own::new(Anchors::default()));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_trust_anchors_add_root(
    anchors: Handle<'_, Own<Anchors>>,
    public_key: In<'_, u8>,
    public_key_len: usize,
) -> Status {
    entry(|| {
        let root = decode_ec(public_key.slice(public_key_len)?)?;
        anchors.get()?.lock()?.roots.push(root);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_trust_anchors_add_signer(
    anchors: Handle<'_, Own<Anchors>>,
    server_certificate: In<'_, u8>,
    server_certificate_len: usize,
) -> Status {
    entry(|| {
        let signer = ServerCertificate::decode(server_certificate.slice(server_certificate_len)?)?;
        let mut anchors = anchors.get()?.lock()?;
        if anchors.signers.iter().any(|known| known.id() == signer.id()) {
            return Err(Status::InvalidArgument);
        }
        anchors.signers.push(signer);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_trust_anchors_revoke(
    anchors: Handle<'_, Own<Anchors>>,
    number: u32,
) -> Status {
    entry(|| {
        anchors.get()?.lock()?.revoked.push(number);
        Ok(())
    })
}
