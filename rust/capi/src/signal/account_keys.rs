// SPDX-License-Identifier: MIT OR Apache-2.0
//! The keys that follow from an account's entropy pool, and the hash of a PIN (signal.md §14.1).

use e2ee_primitives::{Secret, SecretBytes};
use e2ee_signal::{
    account_keys::{AccountKeys, pin_hash},
    keys::encode_ec,
};

use crate::{
    edge::{Handle, HandleOut, In, Kind, Out, Output, entry},
    kept,
    root::StateKey,
    status::Status,
    world::OsRandom,
};

impl Kind for AccountKeys {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeAKey");
}

/// `aci`: the 16 bytes of an account's UUID.
type Aci<'a> = In<'a, [u8; 16]>;

/// One of the keys, by its number in the header.
fn key_of(keys: &AccountKeys, which: i32) -> Result<Secret<32>, Status> {
    Ok(match which {
        0 => keys.svr_key(),
        1 => keys.registration_lock(),
        2 => keys.registration_recovery_password(),
        3 => keys.storage_service_key(),
        4 => keys.logging_key(),
        5 => keys.backup().key().duplicate(),
        6 => keys.backup().local_metadata_key(),
        _ => return Err(Status::InvalidArgument),
    })
}

/// Gives what follows from the keys.
fn derived<const N: usize>(
    keys: &Handle<'_, AccountKeys>,
    (out, capacity, len): (&Out<'_, u8>, usize, &Out<'_, usize>),
    derive: impl FnOnce(&AccountKeys) -> Result<Secret<N>, Status>,
) -> Status {
    entry(|| {
        let output = Output::new(out, capacity, len)?;
        output.give(derive(keys.get()?)?.expose())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_account_keys_generate(
    account_keys: HandleOut<'_, AccountKeys>,
) -> Status {
    entry(|| {
        let place = account_keys.place()?;
        place.put(AccountKeys::generate(&mut OsRandom)?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_account_keys_new(
    pool: In<'_, u8>,
    pool_len: usize,
    account_keys: HandleOut<'_, AccountKeys>,
) -> Status {
    entry(|| {
        let place = account_keys.place()?;
        place.put(AccountKeys::from_pool(pool.slice(pool_len)?)?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_account_keys_load(
    key: Handle<'_, StateKey>,
    sealed: In<'_, u8>,
    sealed_len: usize,
    account_keys: HandleOut<'_, AccountKeys>,
) -> Status {
    kept::load_bytes(&key, (sealed, sealed_len), &account_keys, AccountKeys::open)
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_account_keys_seal(
    account_keys: Handle<'_, AccountKeys>,
    key: Handle<'_, StateKey>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    kept::seal_bytes(&account_keys, &key, (&out, capacity, &len), AccountKeys::seal)
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_account_keys_pool(
    account_keys: Handle<'_, AccountKeys>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    derived(&account_keys, (&out, capacity, &len), |keys| Ok(keys.pool().duplicate()))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_account_keys_get(
    account_keys: Handle<'_, AccountKeys>,
    which: i32,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    derived(&account_keys, (&out, capacity, &len), |keys| key_of(keys, which))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_backup_keys_id(
    account_keys: Handle<'_, AccountKeys>,
    aci: Aci<'_>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    derived(&account_keys, (&out, capacity, &len), |keys| Ok(keys.backup().id(aci.one()?)))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_backup_keys_public_key(
    account_keys: Handle<'_, AccountKeys>,
    aci: Aci<'_>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let (output, aci) = (Output::new(&out, capacity, &len)?, aci.one()?);
        let backup = account_keys.get()?.backup();
        output.give(&encode_ec(backup.signing_key(aci).public()))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_backup_keys_sign(
    account_keys: Handle<'_, AccountKeys>,
    aci: Aci<'_>,
    message: In<'_, u8>,
    message_len: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let (output, aci) = (Output::new(&out, capacity, &len)?, aci.one()?);
        let message = message.slice(message_len)?;
        let backup = account_keys.get()?.backup();
        output.fits(SIGNATURE_LEN)?;
        output.give(&backup.sign(aci, message, &mut OsRandom)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_backup_keys_media_id(
    account_keys: Handle<'_, AccountKeys>,
    name: In<'_, u8>,
    name_len: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    derived(&account_keys, (&out, capacity, &len), |keys| {
        Ok(keys.backup().media_id(name.text(name_len)?.as_bytes()))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_backup_keys_media_key(
    account_keys: Handle<'_, AccountKeys>,
    media_id: In<'_, u8>,
    media_id_len: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    derived(&account_keys, (&out, capacity, &len), |keys| {
        Ok(keys.backup().media_key(sized(media_id.slice(media_id_len)?)?))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_backup_keys_thumbnail_key(
    account_keys: Handle<'_, AccountKeys>,
    media_id: In<'_, u8>,
    media_id_len: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    derived(&account_keys, (&out, capacity, &len), |keys| {
        Ok(keys.backup().thumbnail_key(sized(media_id.slice(media_id_len)?)?))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_hash_pin(
    pin: In<'_, u8>,
    pin_len: usize,
    binding: In<'_, u8>,
    binding_len: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        let (pin, binding) = (pin.slice(pin_len)?, sized(binding.slice(binding_len)?)?);
        // A size query does not do what takes long.
        output.fits(2 * HASH_LEN)?;
        let (encryption_key, access_key) = pin_hash(pin, binding)?;
        let mut both = Vec::with_capacity(2 * HASH_LEN);
        both.extend_from_slice(encryption_key.expose());
        both.extend_from_slice(access_key.expose());
        output.give(SecretBytes::new(both).expose())
    })
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], Status> {
    bytes.try_into().map_err(|_| Status::InvalidArgument)
}

/// Bytes of a signature (signal.md §2.3), and of each half of a PIN's hash.
const SIGNATURE_LEN: usize = 64;
const HASH_LEN: usize = 32;
