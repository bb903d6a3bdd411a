// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stored form of an Ed25519 key pair, from a seed or expanded (RFC 8032 §5.1.5;
//! docs/formats.md, "Signing key").

use e2ee_primitives::ed25519::{PrivateHalf, PublicKey, SigningKey};
use e2ee_wire::{Error, record::RecordReader};

const SEED: u8 = 1;
const EXPANDED: u8 = 2;
/// The most bytes that a stored key pair takes.
pub const STORED_CAPACITY: usize = 1 + 64 + 32;

/// Appends form, private half and public half.
pub fn encode(key: &SigningKey, out: &mut Vec<u8>) {
    match key.expose() {
        PrivateHalf::Seed(seed) => {
            out.push(SEED);
            out.extend_from_slice(seed);
        }
        PrivateHalf::Expanded(expanded) => {
            out.push(EXPANDED);
            out.extend_from_slice(expanded);
        }
    }
    out.extend_from_slice(key.public().as_bytes());
}

/// Reads what [`encode`] wrote.
pub fn decode(reader: &mut RecordReader<'_>) -> Result<SigningKey, Error> {
    let private = match reader.u8()? {
        SEED => PrivateHalf::Seed(reader.array()?),
        EXPANDED => PrivateHalf::Expanded(reader.array()?),
        _ => return Err(Error::CorruptState),
    };
    Ok(SigningKey::from_parts(&private, PublicKey::new(*reader.array()?)))
}
