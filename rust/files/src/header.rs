// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a stream begins with (docs/formats.md, "Sealed file"): its own length, the salt of the
//! file's key, and what the nonces of all segments begin with.

use e2ee_primitives::Random;
use e2ee_wire::Error;

/// Bytes of a header: its length, 32 of salt, 7 of nonces.
pub const HEADER_LEN: usize = 40;
/// The same, as it begins the header.
const LENGTH: u8 = 40;
pub(crate) const PREFIX_LEN: usize = 7;

/// The public part of a file's key.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) salt: [u8; 32],
    pub(crate) prefix: [u8; PREFIX_LEN],
}

impl Header {
    /// A fresh header; draws exactly 39 bytes.
    pub(crate) fn random(random: &mut dyn Random) -> Result<Self, Error> {
        let mut header = Self { salt: [0; 32], prefix: [0; PREFIX_LEN] };
        random.fill(&mut header.salt)?;
        random.fill(&mut header.prefix)?;
        Ok(header)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        [&[LENGTH], self.salt.as_slice(), &self.prefix].concat()
    }

    /// [`Error::Malformed`] for another length, [`Error::Forged`] for a header that is cut.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (length, rest) = bytes.split_first().ok_or(Error::Forged)?;
        if *length != LENGTH {
            return Err(Error::Malformed);
        }
        let (salt, rest) = rest.split_first_chunk().ok_or(Error::Forged)?;
        let prefix = rest.try_into().map_err(|_| Error::Forged)?;
        Ok(Self { salt: *salt, prefix })
    }
}
