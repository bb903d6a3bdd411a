// SPDX-License-Identifier: MIT OR Apache-2.0
//! One device of Matrix: its identity keys, and the keys that others start sessions with
//! (olm_megolm.md §1.4 and §8).

use e2ee_olm::{Account, account::RECORD_NAME, limits::MAX_UNPUBLISHED_KEYS};
use e2ee_primitives::x25519;

use crate::{
    edge::{Handle, HandleOut, In, Kind, Out, Output, entry},
    kept,
    own::Own,
    root::StateKey,
    status::Status,
    step::{Record, Step},
    world::OsRandom,
};

impl Kind for Own<Account> {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeOlmA");
}

/// `e2ee_olm_one_time_key`: a number and a public key.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Numbered {
    id: u64,
    public_key: [u8; 32],
}

impl Numbered {
    const fn of((id, key): (u64, &x25519::PublicKey)) -> Self {
        Self { id, public_key: *key.as_bytes() }
    }
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_account_generate(account: HandleOut<'_, Own<Account>>) -> Status {
    entry(|| {
        let place = account.place()?;
        place.put(Own::new(Account::generate(&mut OsRandom)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_account_load(
    key: Handle<'_, StateKey>,
    records: In<'_, Record<'_>>,
    count: usize,
    account: HandleOut<'_, Own<Account>>,
) -> Status {
    kept::load(&key, (records, count), &account, (RECORD_NAME, Account::open))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_account_seal(
    account: Handle<'_, Own<Account>>,
    key: Handle<'_, StateKey>,
    step: HandleOut<'_, Step>,
) -> Status {
    kept::seal(&account, &key, &step, (RECORD_NAME, Account::revision, Account::seal))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_account_identity_key(
    account: Handle<'_, Own<Account>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(account.get()?.lock()?.identity_key().as_bytes())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_account_signing_key(
    account: Handle<'_, Own<Account>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(account.get()?.lock()?.signing_key().as_bytes())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_account_sign(
    account: Handle<'_, Own<Account>>,
    message: In<'_, u8>,
    message_len: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        let (account, message) = (account.get()?, message.slice(message_len)?);
        output.give(&account.lock()?.sign(message))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_account_generate_one_time_keys(
    account: Handle<'_, Own<Account>>,
    count: usize,
) -> Status {
    entry(|| {
        let mut account = account.get()?.lock()?;
        Ok(account.one_time_keys_mut().generate(count, &mut OsRandom)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_account_one_time_keys(
    account: Handle<'_, Own<Account>>,
    keys: Out<'_, Numbered>,
    capacity: usize,
    count: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&keys, capacity, &count)?;
        let account = account.get()?.lock()?;
        let waiting: Vec<_> = account.one_time_keys().unpublished().map(Numbered::of).collect();
        output.give(&waiting)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_account_generate_fallback_key(account: Handle<'_, Own<Account>>) -> Status {
    entry(|| {
        let mut account = account.get()?.lock()?;
        Ok(account.one_time_keys_mut().generate_fallback(&mut OsRandom)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_account_fallback_key(
    account: Handle<'_, Own<Account>>,
    keys: Out<'_, Numbered>,
    capacity: usize,
    count: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&keys, capacity, &count)?;
        let account = account.get()?.lock()?;
        let waiting = account.one_time_keys().unpublished_fallback().map(Numbered::of);
        output.give(waiting.as_slice())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_account_mark_keys_as_published(account: Handle<'_, Own<Account>>) -> Status {
    entry(|| {
        account.get()?.lock()?.one_time_keys_mut().mark_as_published();
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_account_forget_fallback_key(
    account: Handle<'_, Own<Account>>,
    was_there: Out<'_, bool>,
) -> Status {
    entry(|| {
        let place = was_there.place()?;
        place.set(account.get()?.lock()?.one_time_keys_mut().forget_fallback());
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_olm_account_max_one_time_keys() -> usize {
    MAX_UNPUBLISHED_KEYS
}
