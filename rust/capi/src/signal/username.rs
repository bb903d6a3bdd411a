// SPDX-License-Identifier: MIT OR Apache-2.0
//! Usernames: hash and link (signal.md §14.2).

use e2ee_primitives::Secret;
use e2ee_signal::username::Username;

use crate::{
    edge::{In, Out, Output, entry},
    status::Status,
    world::OsRandom,
};

fn read(username: In<'_, u8>, len: usize) -> Result<Username, Status> {
    Ok(Username::parse(username.text(len)?)?)
}

fn read_key(link_key: In<'_, u8>, len: usize) -> Result<Secret<32>, Status> {
    Secret::from_slice(link_key.slice(len)?).ok_or(Status::InvalidArgument)
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_username_hash(
    username: In<'_, u8>,
    username_len: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(&read(username, username_len)?.hash()?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_username_link_key(
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(Secret::<32>::random(&mut OsRandom)?.expose())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_username_link(
    username: In<'_, u8>,
    username_len: usize,
    link_key: In<'_, u8>,
    link_key_len: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        let (username, key) = (read(username, username_len)?, read_key(link_key, link_key_len)?);
        output.give(&username.seal(&key, &mut OsRandom)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_username_from_link(
    link_key: In<'_, u8>,
    link_key_len: usize,
    sealed: In<'_, u8>,
    sealed_len: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        let (key, sealed) = (read_key(link_key, link_key_len)?, sealed.slice(sealed_len)?);
        output.give(Username::open(&key, sealed)?.text().as_bytes())
    })
}
