// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a recipient needs to open a blob (signal.md §13, "Pointer fields").
//!
//! It holds the key: it travels inside an encrypted message and is as secret as one.

use e2ee_primitives::{Secret, SecretBytes};
use e2ee_wire::{
    Error,
    protobuf::{Fields, write_bytes, write_varint},
};

use super::{AttachmentKey, ChunkSize, incremental::VALUE_LEN};

const KEY: u32 = 3;
const SIZE: u32 = 4;
const DIGEST: u32 = 6;
const CHUNK_SIZE: u32 = 17;
const INCREMENTAL_MAC: u32 = 19;

/// Key, digest and true size of a blob, and its incremental MAC if it has one.
#[derive(Debug)]
pub struct AttachmentPointer {
    /// The blob's own key.
    pub key: AttachmentKey,
    /// SHA-256 of the whole blob.
    pub digest: [u8; 32],
    /// Bytes of the file, without the zeros behind it.
    pub size: u32,
    /// What lets chunks be verified before the blob is complete.
    pub incremental: Option<Incremental>,
}

/// The values of an incremental MAC and the chunks that they belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incremental {
    /// Bytes of each chunk but the last.
    pub chunk: ChunkSize,
    /// 32 bytes for each full chunk and for the whole.
    pub values: Vec<u8>,
}

impl Incremental {
    /// The values for chunks of this size, or nothing if there are none.
    ///
    /// [`Error::Malformed`] if only one of both is there, or values are not 32 bytes each.
    pub fn new(chunk_size: u32, values: &[u8]) -> Result<Option<Self>, Error> {
        if chunk_size == 0 && values.is_empty() {
            return Ok(None);
        }
        let chunk = ChunkSize::new(chunk_size)?;
        if values.is_empty() || !values.len().is_multiple_of(VALUE_LEN) {
            return Err(Error::Malformed);
        }
        Ok(Some(Self { chunk, values: values.to_vec() }))
    }
}

impl AttachmentPointer {
    /// The fields 3, 4, 6, 17 and 19 of the reference client's pointer, in this order.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        let values = self.incremental.as_ref().map_or(0, |each| each.values.len());
        let mut out = Vec::with_capacity(values.saturating_add(128));
        write_bytes(&mut out, KEY, self.key.expose());
        write_varint(&mut out, SIZE, u64::from(self.size));
        write_bytes(&mut out, DIGEST, &self.digest);
        if let Some(incremental) = &self.incremental {
            write_varint(&mut out, CHUNK_SIZE, u64::from(incremental.chunk.get()));
            write_bytes(&mut out, INCREMENTAL_MAC, &incremental.values);
        }
        SecretBytes::new(out)
    }

    /// Reads [`AttachmentPointer::encode`], or a pointer with further fields, which are ignored.
    ///
    /// Unlike the reference client, a pointer without key, size or digest is
    /// [`Error::Malformed`], and so is an incremental MAC that cannot be one.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (mut key, mut size, mut digest) = (None, None, None);
        let (mut chunk_size, mut values): (u32, &[u8]) = (0, &[]);
        let mut fields = Fields::new(bytes);
        while let Some((number, value)) = fields.next_field()? {
            match number {
                KEY => key = Secret::from_slice(value.bytes()?),
                SIZE => size = Some(value.u32()?),
                DIGEST => digest = value.bytes()?.try_into().ok(),
                CHUNK_SIZE => chunk_size = value.u32()?,
                INCREMENTAL_MAC => values = value.bytes()?,
                _ => {}
            }
        }
        Ok(Self {
            key: key.map(AttachmentKey::new).ok_or(Error::Malformed)?,
            digest: digest.ok_or(Error::Malformed)?,
            size: size.ok_or(Error::Malformed)?,
            incremental: Incremental::new(chunk_size, values)?,
        })
    }
}
