// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files beside the messages, piece by piece (signal.md §13).

use std::mem::take;

use e2ee_primitives::SecretBytes;
use e2ee_signal::attachment::{AttachmentPointer, Encryptor, Segments, Verifier, blob_len};

use crate::{
    edge::{Handle, HandleOut, In, Kind, Out, Output, entry},
    own::Own,
    status::Status,
    world::OsRandom,
};

/// A file on its way to a blob. What is ready of the blob waits until the caller takes it.
pub struct Encrypting {
    state: State,
    ready: Vec<u8>,
}

enum State {
    Open(Box<Encryptor>),
    /// Its pointer.
    Ended(SecretBytes),
    /// A panic was in between.
    Lost,
}

impl Kind for Own<Encrypting> {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeAttE");
}

/// The first pass over a blob; none after its end.
impl Kind for Own<Option<Verifier>> {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeAttV");
}

impl Kind for Segments {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeAttS");
}

impl Encrypting {
    fn update(&mut self, plaintext: &[u8]) -> Result<(), Status> {
        let State::Open(encryptor) = &mut self.state else { return Err(Status::StaleSession) };
        Ok(encryptor.update(plaintext, &mut self.ready)?)
    }

    /// Pads, as far as that is done in one piece, or ends; says whether it has ended.
    fn finish(&mut self) -> Result<bool, Status> {
        let State::Open(encryptor) = &mut self.state else { return Err(Status::StaleSession) };
        if encryptor.pad(&mut self.ready)? {
            return Ok(false);
        }
        // All is given and padded: nothing is left that could be refused.
        if let State::Open(encryptor) = std::mem::replace(&mut self.state, State::Lost) {
            self.state = State::Ended(encryptor.finish(&mut self.ready)?.encode());
        }
        Ok(true)
    }
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_attachment_blob_len(size: u32) -> u64 {
    blob_len(size)
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_attachment_encryptor_begin(
    size: u32,
    encryptor: HandleOut<'_, Own<Encrypting>>,
) -> Status {
    entry(|| {
        let (place, mut ready) = (encryptor.place()?, Vec::new());
        let encryptor = Encryptor::begin(size, &mut OsRandom, &mut ready)?;
        let state = State::Open(Box::new(encryptor));
        place.put(Own::new(Encrypting { state, ready }));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_attachment_encryptor_update(
    encryptor: Handle<'_, Own<Encrypting>>,
    plaintext: In<'_, u8>,
    plaintext_len: usize,
) -> Status {
    entry(|| encryptor.get()?.lock()?.update(plaintext.slice(plaintext_len)?))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_attachment_encryptor_finish(
    encryptor: Handle<'_, Own<Encrypting>>,
    done: Out<'_, bool>,
) -> Status {
    entry(|| {
        let place = done.place()?;
        place.set(encryptor.get()?.lock()?.finish()?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_attachment_encryptor_output(
    encryptor: Handle<'_, Own<Encrypting>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        let mut encryptor = encryptor.get()?.lock()?;
        output.fits(encryptor.ready.len())?;
        output.give(&take(&mut encryptor.ready))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_attachment_encryptor_pointer(
    encryptor: Handle<'_, Own<Encrypting>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        let encryptor = encryptor.get()?.lock()?;
        let State::Ended(pointer) = &encryptor.state else { return Err(Status::InvalidArgument) };
        output.give(pointer.expose())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_attachment_verifier_new(
    pointer: In<'_, u8>,
    pointer_len: usize,
    verifier: HandleOut<'_, Own<Option<Verifier>>>,
) -> Status {
    entry(|| {
        let place = verifier.place()?;
        let pointer = AttachmentPointer::decode(pointer.slice(pointer_len)?)?;
        place.put(Own::new(Some(Verifier::new(pointer, &mut OsRandom)?)));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_attachment_verifier_update(
    verifier: Handle<'_, Own<Option<Verifier>>>,
    blob: In<'_, u8>,
    blob_len: usize,
) -> Status {
    entry(|| {
        let (blob, mut verifier) = (blob.slice(blob_len)?, verifier.get()?.lock()?);
        Ok(verifier.as_mut().ok_or(Status::StaleSession)?.update(blob)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_attachment_verifier_finish(
    verifier: Handle<'_, Own<Option<Verifier>>>,
    segments: HandleOut<'_, Segments>,
) -> Status {
    entry(|| {
        let place = segments.place()?;
        let verifier = verifier.get()?.lock()?.take().ok_or(Status::StaleSession)?;
        place.put(verifier.finish()?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_attachment_segments_size(
    segments: Handle<'_, Segments>,
    size: Out<'_, u32>,
) -> Status {
    entry(|| {
        let place = size.place()?;
        place.set(segments.get()?.size());
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_attachment_segments_range(
    segments: Handle<'_, Segments>,
    index: u32,
    start: Out<'_, u64>,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let (start, len) = (start.place()?, len.place()?);
        let range = segments.get()?.range(index)?;
        start.set(range.0);
        len.set(range.1);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_attachment_segments_open(
    segments: Handle<'_, Segments>,
    index: u32,
    segment: In<'_, u8>,
    segment_len: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let (output, segment) = (Output::new(&out, capacity, &len)?, segment.slice(segment_len)?);
        output.give(segments.get()?.open(index, segment)?.expose())
    })
}
