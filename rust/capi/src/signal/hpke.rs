// SPDX-License-Identifier: MIT OR Apache-2.0
//! One message to the owner of a public key, without a session (signal.md §14, RFC 9180).

use e2ee_signal::{
    hpke::{self, Binding, HpkeKey},
    keys::{decode_ec, encode_ec},
};

use crate::{
    edge::{Handle, HandleOut, In, Kind, Out, Output, entry},
    kept,
    root::StateKey,
    status::Status,
    world::OsRandom,
};

impl Kind for HpkeKey {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeHpke");
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_hpke_key_generate(hpke_key: HandleOut<'_, HpkeKey>) -> Status {
    entry(|| {
        let place = hpke_key.place()?;
        place.put(HpkeKey::generate(&mut OsRandom)?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_hpke_key_load(
    key: Handle<'_, StateKey>,
    sealed: In<'_, u8>,
    sealed_len: usize,
    hpke_key: HandleOut<'_, HpkeKey>,
) -> Status {
    kept::load_bytes(&key, (sealed, sealed_len), &hpke_key, HpkeKey::open)
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_hpke_key_seal(
    hpke_key: Handle<'_, HpkeKey>,
    key: Handle<'_, StateKey>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    kept::seal_bytes(&hpke_key, &key, (&out, capacity, &len), HpkeKey::seal)
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_hpke_key_public_key(
    hpke_key: Handle<'_, HpkeKey>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(&encode_ec(hpke_key.get()?.public()))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_hpke_key_open(
    hpke_key: Handle<'_, HpkeKey>,
    info: In<'_, u8>,
    info_len: usize,
    associated_data: In<'_, u8>,
    associated_data_len: usize,
    sealed: In<'_, u8>,
    sealed_len: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let (output, info) = (Output::new(&out, capacity, &len)?, info.slice(info_len)?);
        let associated_data = associated_data.slice(associated_data_len)?;
        let (sealed, hpke_key) = (sealed.slice(sealed_len)?, hpke_key.get()?);
        output.give(hpke_key.open_message(Binding { info, associated_data }, sealed)?.expose())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_hpke_seal(
    public_key: In<'_, u8>,
    public_key_len: usize,
    info: In<'_, u8>,
    info_len: usize,
    associated_data: In<'_, u8>,
    associated_data_len: usize,
    plaintext: In<'_, u8>,
    plaintext_len: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let (output, info) = (Output::new(&out, capacity, &len)?, info.slice(info_len)?);
        let associated_data = associated_data.slice(associated_data_len)?;
        let their_key = decode_ec(public_key.slice(public_key_len)?)?;
        let (binding, plaintext) =
            (Binding { info, associated_data }, plaintext.slice(plaintext_len)?);
        output.give(&hpke::seal(&their_key, binding, plaintext, &mut OsRandom)?)
    })
}
