// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a server does with one message to many (signal.md §10.4, "Server fan-out").

use e2ee_signal::{
    ServiceId,
    sealed_sender::{SentMessage, fan_out::SealedRecipient},
};

use crate::{
    edge::{Handle, HandleOut, In, Kind, Out, Output, entry},
    status::Status,
};

/// A message in its sent form.
pub struct Sent {
    recipients: Vec<SealedRecipient>,
    excluded: Vec<ServiceId>,
    tail: Vec<u8>,
}

impl Kind for Sent {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeSent");
}

impl Sent {
    fn recipient(&self, place: usize) -> Result<&SealedRecipient, Status> {
        self.recipients.get(place).ok_or(Status::InvalidArgument)
    }
}

/// `e2ee_signal_registration`: a device, and the registration id by which a server knows it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Registration {
    device: u32,
    registration_id: u32,
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sent_parse(
    message: In<'_, u8>,
    message_len: usize,
    sent: HandleOut<'_, Sent>,
) -> Status {
    entry(|| {
        let place = sent.place()?;
        let read = SentMessage::decode(message.slice(message_len)?)?;
        let (recipients, excluded) = (read.recipients().to_vec(), read.excluded().to_vec());
        place.put(Sent { recipients, excluded, tail: read.tail().to_vec() });
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sent_recipients(
    sent: Handle<'_, Sent>,
    recipients: Out<'_, usize>,
    excluded: Out<'_, usize>,
) -> Status {
    entry(|| {
        let (recipients, excluded) = (recipients.place()?, excluded.place()?);
        let sent = sent.get()?;
        recipients.set(sent.recipients.len());
        excluded.set(sent.excluded.len());
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sent_service_id(
    sent: Handle<'_, Sent>,
    place: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(sent.get()?.recipient(place)?.service_id.to_string().as_bytes())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sent_devices(
    sent: Handle<'_, Sent>,
    place: usize,
    devices: Out<'_, Registration>,
    capacity: usize,
    count: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&devices, capacity, &count)?;
        let known = sent.get()?.recipient(place)?.devices.iter();
        let known = known.map(|(device, registration_id)| Registration {
            device: device.get().into(),
            registration_id: (*registration_id).into(),
        });
        output.give(&known.collect::<Vec<_>>())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sent_received(
    sent: Handle<'_, Sent>,
    place: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let (output, sent) = (Output::new(&out, capacity, &len)?, sent.get()?);
        output.give(&sent.recipient(place)?.received(&sent.tail))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_sent_excluded(
    sent: Handle<'_, Sent>,
    place: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        let excluded = sent.get()?.excluded.get(place).ok_or(Status::InvalidArgument)?;
        output.give(excluded.to_string().as_bytes())
    })
}
