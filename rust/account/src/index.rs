// SPDX-License-Identifier: MIT OR Apache-2.0
//! The root record: what must exist, at which revision (docs/formats.md, "Root record").
//!
//! It is rewritten when a prekey, a session, a group or a member of one comes or goes or a trusted identity changes, not
//! with each message.

use e2ee_primitives::secret::SecretBytes;
use e2ee_state::digest::SetDigest;
use e2ee_wire::{Error, record::RecordReader};

const FORMAT_VERSION: u8 = 1;
/// The same, of a store that has an anchor.
const FORMAT_VERSION_ANCHORED: u8 = 2;

/// Which records the account consists of, besides its identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// The revision of the prekeys.
    pub prekeys_revision: u64,
    /// How many peers and groups there are.
    pub members: u32,
    /// Their names and revisions.
    pub digest: SetDigest,
    /// Whether the store has an anchor: then there is a generation, and nothing is sent without
    /// both.
    pub anchored: bool,
}

impl Index {
    /// The content of the record.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        crate::draft::encoded(|out| {
            out.push(if self.anchored { FORMAT_VERSION_ANCHORED } else { FORMAT_VERSION });
            out.extend_from_slice(&self.prekeys_revision.to_be_bytes());
            out.extend_from_slice(&self.members.to_be_bytes());
            out.extend_from_slice(self.digest.as_bytes());
        })
    }

    /// Reads it back.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        let anchored = match reader.u8()? {
            FORMAT_VERSION => false,
            FORMAT_VERSION_ANCHORED => true,
            _ => return Err(Error::CorruptState),
        };
        let index = Self {
            prekeys_revision: reader.u64()?,
            members: reader.u32()?,
            digest: SetDigest::from_bytes(*reader.array()?),
            anchored,
        };
        reader.finish()?;
        Ok(index)
    }
}
