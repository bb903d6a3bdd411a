// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Signal protocol without a store (`include/e2ee_signal*.h`).

mod account_keys;
pub mod attachment;
pub mod certificates;
mod device;
pub mod fan_out;
mod hpke;
mod safety_number;
mod sealed;
mod sender_keys;
mod session;
mod username;

use e2ee_signal::{Address, DeviceId};

use crate::{edge::In, status::Status};

/// `e2ee_signal_address`: a name and a device, as the protocol has them.
#[repr(C)]
pub struct Named<'a> {
    name: In<'a, u8>,
    name_len: usize,
    device: u32,
}

impl Named<'_> {
    /// The address, if it can be one.
    fn address(&self) -> Result<Address, Status> {
        let name = self.name.text(self.name_len)?;
        Ok(Address::new(name, DeviceId::new(self.device)?)?)
    }
}
