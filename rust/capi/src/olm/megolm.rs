// SPDX-License-Identifier: MIT OR Apache-2.0
//! Group sessions of Megolm (olm_megolm.md §2; docs/storage.md, "Without a store").

use std::sync::Arc;

use e2ee_olm::megolm::{
    InboundGroupSession, Provenance, StandaloneInbound, StandaloneOutbound, share,
    standalone::{PARTS, SENDING},
};
use e2ee_primitives::secret::SecretBytes;
use e2ee_state::Stage;
use e2ee_wire::Error;

use super::SessionId;
use crate::{
    edge::{Handle, HandleOut, HandlePlace, In, Kind, Out, Output, entry},
    own::Own,
    root::StateKey,
    status::Status,
    step::{Outcome, Record, Staged, Step, parts, stepped},
    world::{Alone, OsRandom},
};

impl Kind for Own<StandaloneOutbound> {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeOlmO");
}

impl Kind for Own<StandaloneInbound> {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeOlmI");
}

impl Staged for StandaloneOutbound {
    fn stage(&mut self) -> &mut Stage {
        self.stage()
    }
}

impl Staged for StandaloneInbound {
    fn stage(&mut self) -> &mut Stage {
        self.stage()
    }
}

/// `e2ee_olm_event`: a message, and the event that it came in.
#[repr(C)]
pub struct Event<'a> {
    message: In<'a, u8>,
    message_len: usize,
    id: In<'a, u8>,
    id_len: usize,
}

impl<'a> Event<'a> {
    /// The message, and the event's id if one is given.
    fn read(&self) -> Result<(&'a [u8], Option<&'a str>), Status> {
        let message = self.message.slice(self.message_len)?;
        Ok((message, self.id.optional_text(self.id_len)?))
    }
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_outbound_group_session_create(
    key: Handle<'_, StateKey>,
    session: HandleOut<'_, Own<StandaloneOutbound>>,
) -> Status {
    entry(|| {
        let (place, key) = (session.place()?, key.get()?);
        place.put(Own::new(StandaloneOutbound::create(key.sealer(), &mut OsRandom)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_outbound_group_session_load(
    key: Handle<'_, StateKey>,
    session_id: SessionId<'_>,
    records: In<'_, Record<'_>>,
    count: usize,
    session: HandleOut<'_, Own<StandaloneOutbound>>,
) -> Status {
    entry(|| {
        let (place, id, key) = (session.place()?, session_id.one()?, key.get()?);
        let [record] = parts(records, count, [SENDING])?;
        place.put(Own::new(StandaloneOutbound::load(key.sealer(), id, record)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_outbound_group_session_session_id(
    session: Handle<'_, Own<StandaloneOutbound>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(session.get()?.lock()?.session().session_id())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_outbound_group_session_message_index(
    session: Handle<'_, Own<StandaloneOutbound>>,
    index: Out<'_, u32>,
) -> Status {
    entry(|| {
        let place = index.place()?;
        place.set(session.get()?.lock()?.session().index());
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_outbound_group_session_session_key(
    session: Handle<'_, Own<StandaloneOutbound>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(session.get()?.lock()?.session_key()?.expose())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_outbound_group_session_encrypt(
    session: Handle<'_, Own<StandaloneOutbound>>,
    plaintext: In<'_, u8>,
    plaintext_len: usize,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&session, &step, |session| {
        let plaintext = plaintext.slice(plaintext_len)?;
        let (writes, message) = session.encrypt(plaintext, &mut OsRandom)?;
        Ok(Outcome::one(writes, SecretBytes::new(message)))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_outbound_group_session_save(
    session: Handle<'_, Own<StandaloneOutbound>>,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&session, &step, |session| Ok(Outcome::saved(session.save(&mut OsRandom)?)))
}

fn saved(
    key: &StateKey,
    session: InboundGroupSession,
    place: HandlePlace<'_, Own<StandaloneInbound>>,
    step: HandlePlace<'_, Step>,
) -> Result<(), Status> {
    let mut session = StandaloneInbound::new(key.sealer(), session);
    let writes = session.save(&mut OsRandom)?;
    let session = Arc::new(Own::new(session));
    step.put(Step::of(session.clone(), Outcome::saved(writes))?);
    place.put_shared(session);
    Ok(())
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_inbound_group_session_accept(
    key: Handle<'_, StateKey>,
    session_key: In<'_, u8>,
    session_key_len: usize,
    session: HandleOut<'_, Own<StandaloneInbound>>,
    step: HandleOut<'_, Step>,
) -> Status {
    entry(|| {
        let (place, step, key) = (session.place()?, step.place()?, key.get()?);
        let session = InboundGroupSession::from_session_key(session_key.slice(session_key_len)?)?;
        saved(key, session, place, step)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_inbound_group_session_accept_export(
    key: Handle<'_, StateKey>,
    export: In<'_, u8>,
    export_len: usize,
    session: HandleOut<'_, Own<StandaloneInbound>>,
    step: HandleOut<'_, Step>,
) -> Status {
    entry(|| {
        let (place, step, key) = (session.place()?, step.place()?, key.get()?);
        let session = InboundGroupSession::from_export(export.slice(export_len)?)?;
        saved(key, session, place, step)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_inbound_group_session_load(
    key: Handle<'_, StateKey>,
    session_id: SessionId<'_>,
    records: In<'_, Record<'_>>,
    count: usize,
    session: HandleOut<'_, Own<StandaloneInbound>>,
) -> Status {
    entry(|| {
        let (place, id, key) = (session.place()?, session_id.one()?, key.get()?);
        let parts = parts(records, count, PARTS)?;
        place.put(Own::new(StandaloneInbound::load(key.sealer(), id, parts)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_inbound_group_session_session_id(
    session: Handle<'_, Own<StandaloneInbound>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(session.get()?.lock()?.session().session_id())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_inbound_group_session_first_known_index(
    session: Handle<'_, Own<StandaloneInbound>>,
    index: Out<'_, u32>,
) -> Status {
    entry(|| {
        let place = index.place()?;
        place.set(session.get()?.lock()?.session().first_known_index());
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_inbound_group_session_is_signed(
    session: Handle<'_, Own<StandaloneInbound>>,
    is_signed: Out<'_, bool>,
) -> Status {
    entry(|| {
        let place = is_signed.place()?;
        place.set(session.get()?.lock()?.session().provenance() == Provenance::Signed);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_inbound_group_session_export_at(
    session: Handle<'_, Own<StandaloneInbound>>,
    index: u32,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(session.get()?.lock()?.session().export_at(index)?.expose())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_inbound_group_session_merge(
    session: Handle<'_, Own<StandaloneInbound>>,
    shared: In<'_, u8>,
    shared_len: usize,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&session, &step, |session| {
        let other = read_share(shared.slice(shared_len)?)?;
        Ok(Outcome::saved(session.merge(&other, &mut OsRandom)?))
    })
}

/// A session key or an export, which their lengths tell apart.
fn read_share(shared: &[u8]) -> Result<InboundGroupSession, Error> {
    match shared.len() {
        share::EXPORT_LEN => InboundGroupSession::from_export(shared),
        _ => InboundGroupSession::from_session_key(shared),
    }
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_inbound_group_session_decrypt(
    session: Handle<'_, Own<StandaloneInbound>>,
    message: In<'_, u8>,
    message_len: usize,
    event_id: In<'_, u8>,
    event_id_len: usize,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&session, &step, |session| {
        let (message, event_id) =
            (message.slice(message_len)?, event_id.optional_text(event_id_len)?);
        let (writes, opened) =
            session.decrypt(message, event_id.map(str::as_bytes), &mut OsRandom)?;
        Ok(Outcome::opened(writes, (opened.index, opened.plaintext)))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_inbound_group_session_decrypt_many(
    session: Handle<'_, Own<StandaloneInbound>>,
    events: In<'_, Event<'_>>,
    count: usize,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&session, &step, |session| {
        let messages = events.slice(count)?.iter().map(Event::read);
        let messages = messages.collect::<Result<Vec<_>, _>>()?;
        Ok(Outcome::many_opened(session.decrypt_many(&messages, &Alone, &mut OsRandom)?))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_inbound_group_session_save(
    session: Handle<'_, Own<StandaloneInbound>>,
    step: HandleOut<'_, Step>,
) -> Status {
    stepped(&session, &step, |session| Ok(Outcome::saved(session.save(&mut OsRandom)?)))
}
