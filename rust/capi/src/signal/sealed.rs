// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages that do not tell the server who sent them (signal.md §10.2 to §10.4). Nothing is saved:
//! the message inside is a session's or a chain's.

use e2ee_signal::{
    Address, Device,
    account::service_id,
    envelope::Kind as Envelope,
    keys::decode_ec,
    sealed_sender::{
        Content, ContentKind, Hint, SenderCertificate,
        v2::{Destination, Recipients},
    },
};

use super::{Named, certificates::Anchors};
use crate::{
    edge::{Handle, HandleOut, In, Kind, Out, Output, entry},
    own::Own,
    status::Status,
    world::{OsRandom, now_ms},
};

impl Kind for Content {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeCont");
}

/// `e2ee_signal_content`: a message to seal, and what travels with it.
#[repr(C)]
pub struct ToSeal<'a> {
    message: In<'a, u8>,
    message_len: usize,
    group_id: In<'a, u8>,
    group_id_len: usize,
    hint: u32,
    kind: u8,
}

impl ToSeal<'_> {
    fn read(&self, certificate: &SenderCertificate) -> Result<Content, Status> {
        let kind = Envelope::of(self.kind).and_then(ContentKind::of_envelope);
        Ok(Content {
            kind: kind.ok_or(Status::InvalidArgument)?,
            certificate: certificate.clone(),
            message: self.message.slice(self.message_len)?.to_vec(),
            hint: Hint::of(self.hint),
            group_id: self.group_id.slice(self.group_id_len)?.to_vec(),
        })
    }
}

/// `e2ee_signal_destination`: a device, the identity key and the registration id of its owner.
#[repr(C)]
pub struct To<'a> {
    address: Named<'a>,
    identity_key: In<'a, u8>,
    identity_key_len: usize,
    registration_id: u32,
}

/// The address that the seal has: a service id, or what a name is mapped to.
fn sealed_address(named: &Named<'_>) -> Result<Address, Status> {
    let address = named.address()?;
    Ok(Address::new(&service_id(address.name()).to_string(), address.device())?)
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sealed_seal(
    device: Handle<'_, Own<Device>>,
    certificate: Handle<'_, SenderCertificate>,
    content: In<'_, ToSeal<'_>>,
    their_identity_key: In<'_, u8>,
    their_identity_key_len: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let (output, device) = (Output::new(&out, capacity, &len)?, device.get()?);
        let content = content.one()?.read(certificate.get()?)?;
        let their_key = decode_ec(their_identity_key.slice(their_identity_key_len)?)?;
        let device = device.lock()?;
        output.give(&device.seal_content(&content, &their_key, now_ms(), &mut OsRandom)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sealed_seal_for_many(
    device: Handle<'_, Own<Device>>,
    certificate: Handle<'_, SenderCertificate>,
    content: In<'_, ToSeal<'_>>,
    destinations: In<'_, To<'_>>,
    count: usize,
    excluded: In<'_, Named<'_>>,
    excluded_count: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let (output, device) = (Output::new(&out, capacity, &len)?, device.get()?);
        let content = content.one()?.read(certificate.get()?)?;
        let given = destinations.slice(count)?;
        let addresses: Vec<_> =
            given.iter().map(|to| sealed_address(&to.address)).collect::<Result<_, _>>()?;
        let destinations = given.iter().zip(&addresses).map(|(to, address)| {
            let identity_key = decode_ec(to.identity_key.slice(to.identity_key_len)?)?;
            Ok(Destination { address, identity_key, registration_id: to.registration_id })
        });
        let destinations = destinations.collect::<Result<Vec<_>, Status>>()?;
        let excluded = excluded.slice(excluded_count)?.iter();
        let excluded = excluded.map(|each| Ok(service_id(each.address()?.name())));
        let excluded = excluded.collect::<Result<Vec<_>, Status>>()?;
        let recipients = Recipients { destinations: &destinations, excluded: &excluded };
        let device = device.lock()?;
        let sent = device.seal_content_for_many(&content, &recipients, now_ms(), &mut OsRandom)?;
        output.give(&sent)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sealed_open(
    device: Handle<'_, Own<Device>>,
    anchors: Handle<'_, Own<Anchors>>,
    e164: In<'_, u8>,
    e164_len: usize,
    sealed: In<'_, u8>,
    sealed_len: usize,
    content: HandleOut<'_, Content>,
) -> Status {
    entry(|| {
        let (place, device) = (content.place()?, device.get()?);
        let (e164, sealed) = (e164.optional_text(e164_len)?, sealed.slice(sealed_len)?);
        let (anchors, device) = (anchors.get()?.lock()?, device.lock()?);
        place.put(device.open_sealed(sealed, &anchors.get(), e164, now_ms())?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sealed_content_kind(
    content: Handle<'_, Content>,
    kind: Out<'_, u8>,
) -> Status {
    entry(|| {
        let place = kind.place()?;
        place.set(content.get()?.kind.envelope().number());
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sealed_content_hint(
    content: Handle<'_, Content>,
    hint: Out<'_, u32>,
) -> Status {
    entry(|| {
        let place = hint.place()?;
        place.set(content.get()?.hint.number());
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sealed_content_message(
    content: Handle<'_, Content>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| Output::new(&out, capacity, &len)?.give(&content.get()?.message))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sealed_content_group_id(
    content: Handle<'_, Content>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| Output::new(&out, capacity, &len)?.give(&content.get()?.group_id))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sealed_content_certificate(
    content: Handle<'_, Content>,
    certificate: HandleOut<'_, SenderCertificate>,
) -> Status {
    entry(|| {
        let place = certificate.place()?;
        place.put(content.get()?.certificate.clone());
        Ok(())
    })
}
