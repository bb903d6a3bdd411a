// SPDX-License-Identifier: MIT OR Apache-2.0
//! One session with one device of a peer (signal.md §5 and §6; docs/storage.md).

use std::sync::Arc;

use e2ee_signal::{
    Ciphertext, Device, Parties, PreKeyBundle, StandaloneSession,
    keys::encode_ec,
    standalone::{PARTS, Received},
};
use e2ee_state::Stage;
use e2ee_wire::Error;

use super::Named;
use crate::{
    edge::{Handle, HandleOut, In, Kind, Out, Output, entry},
    own::Own,
    root::StateKey,
    status::Status,
    step::{Message, Outcome, Record, Staged, Step, parts, stepped},
    world::{OsRandom, now, now_ms},
};

impl Kind for Own<StandaloneSession> {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeSess");
}

impl Staged for StandaloneSession {
    fn stage(&mut self) -> &mut Stage {
        self.stage()
    }
}

/// Kinds of messages (signal.md §4).
const RATCHET: u8 = 2;
const PREKEY: u8 = 3;

fn received(kind: u8, message: &[u8]) -> Result<Received<'_>, Error> {
    match kind {
        RATCHET => Ok(Received::Ratchet(message)),
        PREKEY => Ok(Received::PreKey(message)),
        _ => Err(Error::Malformed),
    }
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_session_initiate(
    key: Handle<'_, StateKey>,
    device: Handle<'_, Own<Device>>,
    peer: In<'_, Named<'_>>,
    bundle: In<'_, u8>,
    bundle_len: usize,
    session: HandleOut<'_, Own<StandaloneSession>>,
) -> Status {
    entry(|| {
        let (place, key, peer) = (session.place()?, key.get()?, peer.one()?.address()?);
        let (bundle, device) = (bundle.slice(bundle_len)?, device.get()?.lock()?);
        let bundle = PreKeyBundle::decode(bundle)?;
        let made = StandaloneSession::initiate(
            key.sealer(),
            &device,
            peer,
            &bundle,
            (now(), &mut OsRandom),
        )?;
        place.put(Own::new(made));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_session_accept(
    key: Handle<'_, StateKey>,
    device: Handle<'_, Own<Device>>,
    peer: In<'_, Named<'_>>,
    message: In<'_, u8>,
    message_len: usize,
    session: HandleOut<'_, Own<StandaloneSession>>,
    step: HandleOut<'_, Step>,
) -> Status {
    entry(|| {
        let (place, step) = (session.place()?, step.place()?);
        let (key, peer) = (key.get()?, peer.one()?.address()?);
        let (message, mut device) = (message.slice(message_len)?, device.get()?.lock()?);
        let (session, writes, plaintext) = StandaloneSession::accept(
            key.sealer(),
            &mut device,
            peer,
            message,
            (now_ms(), &mut OsRandom),
        )?;
        let session = Arc::new(Own::new(session));
        step.put(Step::of(session.clone(), Outcome::one(writes, plaintext))?);
        place.put_shared(session);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_session_load(
    key: Handle<'_, StateKey>,
    device: Handle<'_, Own<Device>>,
    peer: In<'_, Named<'_>>,
    name: In<'_, u8>,
    name_len: usize,
    records: In<'_, Record<'_>>,
    count: usize,
    session: HandleOut<'_, Own<StandaloneSession>>,
) -> Status {
    entry(|| {
        let (place, key, theirs) = (session.place()?, key.get()?, peer.one()?.address()?);
        let (name, parts) = (name.text(name_len)?, parts(records, count, PARTS)?);
        let ours = device.get()?.lock()?.address().clone();
        let parties = Parties { ours, theirs };
        place.put(Own::new(StandaloneSession::load(key.sealer(), parties, name, parts)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_session_name(
    session: Handle<'_, Own<StandaloneSession>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(session.get()?.lock()?.name().as_bytes())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_session_their_identity_key(
    session: Handle<'_, Own<StandaloneSession>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(&encode_ec(session.get()?.lock()?.session().their_identity()))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_session_their_registration_id(
    session: Handle<'_, Own<StandaloneSession>>,
    registration_id: Out<'_, u32>,
) -> Status {
    entry(|| {
        let place = registration_id.place()?;
        place.set(session.get()?.lock()?.session().their_registration_id());
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_session_pq_progress(
    session: Handle<'_, Own<StandaloneSession>>,
    epoch: Out<'_, u64>,
    messages: Out<'_, u64>,
) -> Status {
    entry(|| {
        let (epoch, messages) = (epoch.place()?, messages.place()?);
        let progress = session.get()?.lock()?.session().pq_progress();
        epoch.set(progress.0);
        messages.set(progress.1);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_session_encrypt(
    session: Handle<'_, Own<StandaloneSession>>,
    plaintext: In<'_, u8>,
    plaintext_len: usize,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&session, &step, |session| {
        let plaintext = plaintext.slice(plaintext_len)?;
        let (writes, message) = session.encrypt(plaintext, now(), &mut OsRandom)?;
        let message = match message {
            Ciphertext::Ratchet(message) => (RATCHET, message),
            Ciphertext::PreKey(message) => (PREKEY, message),
        };
        Ok(Outcome::encrypted(writes, message))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_session_decrypt(
    session: Handle<'_, Own<StandaloneSession>>,
    kind: u8,
    message: In<'_, u8>,
    message_len: usize,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&session, &step, |session| {
        let message = received(kind, message.slice(message_len)?)?;
        let (writes, plaintext) = session.decrypt(message, &mut OsRandom)?;
        Ok(Outcome::one(writes, plaintext))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_session_decrypt_many(
    session: Handle<'_, Own<StandaloneSession>>,
    messages: In<'_, Message<'_>>,
    count: usize,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&session, &step, |session| {
        let messages = Message::all(messages, count)?;
        let messages = messages.iter().map(|(kind, message)| received(*kind, message));
        Ok(Outcome::many(session.decrypt_many(messages, &mut OsRandom)?))
    })
}
