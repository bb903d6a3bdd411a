// SPDX-License-Identifier: MIT OR Apache-2.0
//! Versions, names of status codes, state keys, and the end of every handle.

use std::ffi::c_char;

use e2ee_primitives::Secret;
use e2ee_signal::{
    Device, StandaloneSession,
    account_keys::AccountKeys,
    attachment::{Segments, Verifier},
    hpke::HpkeKey,
    sealed_sender::{Content, SenderCertificate, ServerSigner, TrustRoot},
    sender_keys::standalone::{StandaloneSenderKey, StandaloneSenderKeys},
};
use e2ee_state::Sealer;

use crate::{
    edge::{AnyHandle, Freed, HandleOut, In, Kind, entry},
    own::Own,
    signal::{attachment::Encrypting, certificates::Anchors, fan_out::Sent},
    status::Status,
    step::Step,
};

/// Seals the states of devices and sessions. It is used by many at once, and after a fork too.
pub struct StateKey(Sealer);

impl StateKey {
    /// What seals with it.
    pub const fn sealer(&self) -> &Sealer {
        &self.0
    }
}

impl Kind for StateKey {
    const TAG: u64 = u64::from_be_bytes(*b"e2eeSKey");
}

/// All kinds of handles.
const KINDS: [Freed; 22] = [
    Freed::of::<Step>(),
    Freed::of::<StateKey>(),
    Freed::of::<Own<Device>>(),
    Freed::of::<Own<StandaloneSession>>(),
    Freed::of::<Own<StandaloneSenderKey>>(),
    Freed::of::<Own<StandaloneSenderKeys>>(),
    Freed::of::<Own<Encrypting>>(),
    Freed::of::<Own<Option<Verifier>>>(),
    Freed::of::<Segments>(),
    Freed::of::<AccountKeys>(),
    Freed::of::<HpkeKey>(),
    Freed::of::<Own<TrustRoot>>(),
    Freed::of::<Own<ServerSigner>>(),
    Freed::of::<Own<Anchors>>(),
    Freed::of::<SenderCertificate>(),
    Freed::of::<Content>(),
    Freed::of::<Sent>(),
    Freed::of::<Own<e2ee_olm::Account>>(),
    Freed::of::<Own<e2ee_olm::StandaloneSession>>(),
    Freed::of::<Own<e2ee_olm::megolm::StandaloneOutbound>>(),
    Freed::of::<Own<e2ee_olm::megolm::StandaloneInbound>>(),
    Freed::of::<e2ee_olm::pickle::Pickles>(),
];

/// `E2EE_ABI_VERSION`: moves when something that was there becomes different.
const ABI_VERSION: u32 = 0;
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

#[unsafe(no_mangle)]
extern "C" fn e2ee_abi_version() -> u32 {
    ABI_VERSION
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_version() -> *const c_char {
    VERSION.as_ptr().cast()
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_status_name(status: i32) -> *const c_char {
    let known = Status::ALL.iter().find(|(each, _)| each.number() == status);
    known.map_or(c"unknown", |(_, name)| name).as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_free(handle: AnyHandle) -> Status {
    entry(|| handle.free(&KINDS))
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_state_key_new(
    key: In<'_, u8>,
    key_len: usize,
    state_key: HandleOut<'_, StateKey>,
) -> Status {
    entry(|| {
        let place = state_key.place()?;
        let secret = Secret::from_slice(key.slice(key_len)?).ok_or(Status::InvalidArgument)?;
        place.put(StateKey(Sealer::standalone(secret)));
        Ok(())
    })
}
