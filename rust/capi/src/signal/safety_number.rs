// SPDX-License-Identifier: MIT OR Apache-2.0
//! Safety numbers (signal.md §11).

use e2ee_primitives::x25519;
use e2ee_signal::{
    keys::decode_ec,
    safety_number::{Party, SafetyNumber, Version},
};

use crate::{
    edge::{In, Out, Output, entry},
    status::Status,
};

/// `e2ee_signal_person`: an id and an identity key.
#[repr(C)]
pub struct Person<'a> {
    id: In<'a, u8>,
    id_len: usize,
    identity_key: In<'a, u8>,
    identity_key_len: usize,
}

impl Person<'_> {
    fn read(&self, version: Version) -> Result<(Vec<u8>, x25519::PublicKey), Status> {
        let key = decode_ec(self.identity_key.slice(self.identity_key_len)?)?;
        Ok((version.id(self.id.text(self.id_len)?)?, key))
    }
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_safety_number(
    version: u32,
    ours: In<'_, Person<'_>>,
    theirs: In<'_, Person<'_>>,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let (output, version) = (Output::new(&out, capacity, &len)?, Version::new(version)?);
        let (our_id, our_key) = ours.one()?.read(version)?;
        let (their_id, their_key) = theirs.one()?.read(version)?;
        // A size query does not do what takes long.
        output.fits(SCANNABLE_LEN)?;
        let ours = Party { identity_key: &our_key, id: &our_id };
        let theirs = Party { identity_key: &their_key, id: &their_id };
        output.give(&SafetyNumber::new(version, &ours, &theirs).encode())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_safety_number_digits(
    scannable: In<'_, u8>,
    scannable_len: usize,
    out: Out<'_, u8>,
    capacity: usize,
    len: Out<'_, usize>,
) -> Status {
    entry(|| {
        let output = Output::new(&out, capacity, &len)?;
        let number = SafetyNumber::decode(scannable.slice(scannable_len)?)?;
        output.give(number.digits().as_bytes())
    })
}

#[unsafe(no_mangle)]
extern "C" fn e2ee_signal_safety_number_matches(
    scannable: In<'_, u8>,
    scannable_len: usize,
    scanned: In<'_, u8>,
    scanned_len: usize,
) -> Status {
    entry(|| {
        let number = SafetyNumber::decode(scannable.slice(scannable_len)?)?;
        let matches = number.compare(scanned.slice(scanned_len)?)?;
        if matches { Ok(()) } else { Err(Status::SafetyNumberMismatch) }
    })
}

/// Bytes of a scannable form (signal.md §11).
const SCANNABLE_LEN: usize = 2 + 2 * (2 + 2 + 32);
