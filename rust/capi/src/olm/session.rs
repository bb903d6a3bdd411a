// SPDX-License-Identifier: MIT OR Apache-2.0
//! One session of Olm with one device of a peer (olm_megolm.md §1; docs/storage.md).

use std::sync::Arc;

use e2ee_olm::{
    Account, Ciphertext, PreKeyMessage, StandaloneSession,
    standalone::{PARTS, Received},
};
use e2ee_state::Stage;
use e2ee_wire::Error;

use super::public_key;
use crate::{
    edge::{Handle, HandleOut, In, Kind, Out, Output, entry},
    own::Own,
    root::StateKey,
    status::Status,
    step::{Message, Outcome, Record, Staged, Step, parts, stepped},
    world::OsRandom,
};

impl Kind for Own<StandaloneSession> {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeOlmS");
}

impl Staged for StandaloneSession {
    fn stage(&mut self) -> &mut Stage {
        self.stage()
    }
}

/// Types of messages (olm_megolm.md §1.3).
const PREKEY: u8 = 0;
const NORMAL: u8 = 1;

fn received(kind: u8, message: &[u8]) -> Result<Received<'_>, Error> {
    match kind {
        PREKEY => Ok(Received::PreKey(message)),
        NORMAL => Ok(Received::Normal(message)),
        _ => Err(Error::Malformed),
    }
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_session_initiate(
    key: Handle<'_, StateKey>,
    account: Handle<'_, Own<Account>>,
    identity_key: In<'_, u8>,
    identity_key_len: usize,
    one_time_key: In<'_, u8>,
    one_time_key_len: usize,
    session: HandleOut<'_, Own<StandaloneSession>>,
) -> Status {
    entry(|| {
        let (place, key, account) = (session.place()?, key.get()?, account.get()?);
        let theirs = public_key(identity_key.slice(identity_key_len)?)?;
        let one_time = public_key(one_time_key.slice(one_time_key_len)?)?;
        let account = account.lock()?;
        place.put(Own::new(StandaloneSession::initiate(
            key.sealer(),
            &account,
            &theirs,
            &one_time,
            &mut OsRandom,
        )?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_session_accept(
    key: Handle<'_, StateKey>,
    account: Handle<'_, Own<Account>>,
    sender_identity_key: In<'_, u8>,
    sender_identity_key_len: usize,
    message: In<'_, u8>,
    message_len: usize,
    session: HandleOut<'_, Own<StandaloneSession>>,
    step: HandleOut<'_, Step>,
) -> Status {
    entry(|| {
        let (place, step) = (session.place()?, step.place()?);
        let (key, message) = (key.get()?, message.slice(message_len)?);
        let expected = sender_identity_key.optional(sender_identity_key_len)?;
        let expected = expected.map(public_key).transpose()?;
        let mut account = account.get()?.lock()?;
        let (session, writes, plaintext) = StandaloneSession::accept(
            key.sealer(),
            &mut account,
            expected.as_ref(),
            message,
            &mut OsRandom,
        )?;
        let session = Arc::new(Own::new(session));
        step.put(Step::of(session.clone(), Outcome::one(writes, plaintext))?);
        place.put_shared(session);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_session_load(
    key: Handle<'_, StateKey>,
    name: In<'_, u8>,
    name_len: usize,
    records: In<'_, Record<'_>>,
    count: usize,
    session: HandleOut<'_, Own<StandaloneSession>>,
) -> Status {
    entry(|| {
        let (place, key, name) = (session.place()?, key.get()?, name.text(name_len)?);
        let parts = parts(records, count, PARTS)?;
        place.put(Own::new(StandaloneSession::load(key.sealer(), name, parts)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_session_name(
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
extern "C" fn e2ee_olm_session_session_id(
    session: Handle<'_, Own<StandaloneSession>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(&session.get()?.lock()?.session().session_id())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_session_their_identity_key(
    session: Handle<'_, Own<StandaloneSession>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(session.get()?.lock()?.session().their_identity().as_bytes())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_session_has_received(
    session: Handle<'_, Own<StandaloneSession>>,
    has_received: Out<'_, bool>,
) -> Status {
    entry(|| {
        let place = has_received.place()?;
        place.set(session.get()?.lock()?.session().has_received());
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_session_matches(
    session: Handle<'_, Own<StandaloneSession>>,
    message: In<'_, u8>,
    message_len: usize,
    matches: Out<'_, bool>,
) -> Status {
    entry(|| {
        let (place, session) = (matches.place()?, session.get()?);
        let message = PreKeyMessage::decode(message.slice(message_len)?)?;
        place.set(session.lock()?.session().matches(&message));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_session_encrypt(
    session: Handle<'_, Own<StandaloneSession>>,
    plaintext: In<'_, u8>,
    plaintext_len: usize,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&session, &step, |session| {
        let plaintext = plaintext.slice(plaintext_len)?;
        let (writes, message) = session.encrypt(plaintext, &mut OsRandom)?;
        let message = match message {
            Ciphertext::PreKey(message) => (PREKEY, message),
            Ciphertext::Normal(message) => (NORMAL, message),
        };
        Ok(Outcome::encrypted(writes, message))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_session_decrypt(
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
extern "C" fn e2ee_olm_session_decrypt_many(
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

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_session_save(
    session: Handle<'_, Own<StandaloneSession>>,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&session, &step, |session| Ok(Outcome::saved(session.save(&mut OsRandom)?)))
}
