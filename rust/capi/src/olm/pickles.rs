// SPDX-License-Identifier: MIT OR Apache-2.0
//! States of libolm and vodozemac, taken over and given back (olm_megolm.md §3).

use e2ee_olm::{
    Account, StandaloneSession,
    megolm::{StandaloneInbound, StandaloneOutbound},
    pickle::{Identities, Leaving, Pickles},
};

use super::public_key;
use crate::{
    edge::{Handle, HandleOut, In, Kind, Out, Output, entry},
    own::Own,
    root::StateKey,
    status::Status,
};

/// They have no state: many use them at once, and children after a fork too.
impl Kind for Pickles {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeOlmP");
}

/// `e2ee_olm_opened`: a message that was opened elsewhere, and the event that it came in.
#[repr(C)]
pub struct Opened<'a> {
    index: u32,
    event_id: In<'a, u8>,
    event_id_len: usize,
}

impl<'a> Opened<'a> {
    fn read(&self) -> Result<(u32, &'a [u8]), Status> {
        Ok((self.index, self.event_id.text(self.event_id_len)?.as_bytes()))
    }
}

/// Gives a pickle only if it has room, since what it is of is stale after that.
fn give_away(output: &Output<'_, u8>, leaving: Leaving<'_>) -> Result<(), Status> {
    output.fits(leaving.length())?;
    output.give(leaving.give().as_bytes())
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_pickles_libolm(
    key: In<'_, u8>,
    key_len: usize,
    pickles: HandleOut<'_, Pickles>,
) -> Status {
    entry(|| {
        let place = pickles.place()?;
        place.put(Pickles::libolm(key.slice(key_len)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_pickles_vodozemac(
    key: In<'_, u8>,
    key_len: usize,
    pickles: HandleOut<'_, Pickles>,
) -> Status {
    entry(|| {
        let place = pickles.place()?;
        place.put(Pickles::vodozemac(key.slice(key_len)?)?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_pickles_read_account(
    pickles: Handle<'_, Pickles>,
    pickle: In<'_, u8>,
    pickle_len: usize,
    account: HandleOut<'_, Own<Account>>,
) -> Status {
    entry(|| {
        let (place, pickle) = (account.place()?, pickle.text(pickle_len)?);
        place.put(Own::new(pickles.get()?.read_account(pickle)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_pickles_write_account(
    pickles: Handle<'_, Pickles>,
    account: Handle<'_, Own<Account>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        let (pickles, account) = (pickles.get()?, account.get()?.lock()?);
        output.give(pickles.write_account(&account)?.as_bytes())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_pickles_read_session(
    pickles: Handle<'_, Pickles>,
    key: Handle<'_, StateKey>,
    account: Handle<'_, Own<Account>>,
    their_identity_key: In<'_, u8>,
    their_identity_key_len: usize,
    pickle: In<'_, u8>,
    pickle_len: usize,
    session: HandleOut<'_, Own<StandaloneSession>>,
) -> Status {
    entry(|| {
        let (place, pickles, key) = (session.place()?, pickles.get()?, key.get()?);
        let pickle = pickle.text(pickle_len)?;
        let theirs = public_key(their_identity_key.slice(their_identity_key_len)?)?;
        let identities = Identities { ours: *account.get()?.lock()?.identity_key(), theirs };
        place.put(Own::new(pickles.read_session(key.sealer(), &identities, pickle)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_pickles_write_session(
    pickles: Handle<'_, Pickles>,
    session: Handle<'_, Own<StandaloneSession>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        let (pickles, mut session) = (pickles.get()?, session.get()?.lock()?);
        give_away(&output, pickles.write_session(&mut session)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_pickles_read_outbound(
    pickles: Handle<'_, Pickles>,
    key: Handle<'_, StateKey>,
    pickle: In<'_, u8>,
    pickle_len: usize,
    session: HandleOut<'_, Own<StandaloneOutbound>>,
) -> Status {
    entry(|| {
        let (place, pickles, key) = (session.place()?, pickles.get()?, key.get()?);
        let pickle = pickle.text(pickle_len)?;
        place.put(Own::new(pickles.read_outbound(key.sealer(), pickle)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_pickles_write_outbound(
    pickles: Handle<'_, Pickles>,
    session: Handle<'_, Own<StandaloneOutbound>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        let (pickles, mut session) = (pickles.get()?, session.get()?.lock()?);
        give_away(&output, pickles.write_outbound(&mut session)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_pickles_read_inbound(
    pickles: Handle<'_, Pickles>,
    key: Handle<'_, StateKey>,
    pickle: In<'_, u8>,
    pickle_len: usize,
    opened: In<'_, Opened<'_>>,
    count: usize,
    session: HandleOut<'_, Own<StandaloneInbound>>,
) -> Status {
    entry(|| {
        let (place, pickles, key) = (session.place()?, pickles.get()?, key.get()?);
        let pickle = pickle.text(pickle_len)?;
        let opened = opened.slice(count)?.iter().map(Opened::read);
        let opened = opened.collect::<Result<Vec<_>, _>>()?;
        place.put(Own::new(pickles.read_inbound(key.sealer(), pickle, opened)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_pickles_write_inbound(
    pickles: Handle<'_, Pickles>,
    session: Handle<'_, Own<StandaloneInbound>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        let (pickles, session) = (pickles.get()?, session.get()?.lock()?);
        output.give(pickles.write_inbound(&session).as_bytes())
    })
}
