// SPDX-License-Identifier: MIT OR Apache-2.0
//! One device: its identity and its prekeys (signal.md §2.1 and §3).

use e2ee_signal::{Device, bundle, device::RECORD_NAME, keys::encode_ec};

use super::Named;
use crate::{
    edge::{Handle, HandleOut, In, Kind, Out, Output, entry},
    kept,
    own::Own,
    root::StateKey,
    status::Status,
    step::{Record, Step},
    world::{OsRandom, now_ms},
};

impl Kind for Own<Device> {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeDevi");
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_device_generate(
    address: In<'_, Named<'_>>,
    device: HandleOut<'_, Own<Device>>,
) -> Status {
    entry(|| {
        let place = device.place()?;
        let address = address.one()?.address()?;
        place.put(Own::new(Device::generate(address, now_ms(), &mut OsRandom)?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_device_load(
    key: Handle<'_, StateKey>,
    records: In<'_, Record<'_>>,
    count: usize,
    device: HandleOut<'_, Own<Device>>,
) -> Status {
    kept::load(&key, (records, count), &device, (RECORD_NAME, Device::open))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_device_seal(
    device: Handle<'_, Own<Device>>,
    key: Handle<'_, StateKey>,
    step: HandleOut<'_, Step>,
) -> Status {
    kept::seal(&device, &key, &step, (RECORD_NAME, Device::revision, Device::seal))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_device_identity_key(
    device: Handle<'_, Own<Device>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        output.give(&encode_ec(device.get()?.lock()?.identity_key()))
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_device_bundle(
    device: Handle<'_, Own<Device>>,
    reusable: i32,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        let mut device = device.get()?.lock()?;
        // Before one-time keys are reserved, which cannot be undone.
        output.fits(bundle::MAX_LEN)?;
        let bundle =
            if reusable == 0 { device.bundle(&mut OsRandom)? } else { device.reusable_bundle() };
        output.give(&bundle.encode())
    })
}
