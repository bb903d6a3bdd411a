// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stored form of the prekeys (docs/formats.md, "Prekeys").

use std::collections::VecDeque;

use e2ee_primitives::{Secret, kyber1024, x25519};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use crate::prekeys::{KyberPreKey, SIGNATURE_LEN, SignedPreKey};

use super::{
    LastResort, MAX_OFFERED, MAX_RESERVED, MAX_RETIRED, MAX_REUSES, PreKeyStock,
    pool::{Numbered, Pool},
    rotation::{Retired, Rotation},
};

const FORMAT_VERSION: u8 = 2;
/// Without replaced and offered keys and without times; both reserved keys have one number.
const FORMAT_VERSION_1: u8 = 1;
/// Bytes of a number or of a list's length, of a time, and of a key pair.
const ID_LEN: usize = 4;
const TIME_LEN: usize = 8;
const PAIR_LEN: usize = 64;
const REUSE_LEN: usize = 16;
const SEED: u8 = 1;
const EXPANDED: u8 = 2;

impl PreKeyStock {
    /// Appends the stored form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        // All at once: a vector that grows leaves private keys in its old place.
        out.reserve(self.encoded_len());
        out.push(FORMAT_VERSION);
        out.extend_from_slice(&self.next_id.to_be_bytes());
        self.signed.encode(out);
        self.last_resort.encode(out);
        self.one_time.encode(out);
        self.one_time_kyber.encode(out);
    }

    /// What [`PreKeyStock::encode`] appends, in bytes.
    pub(super) fn encoded_len(&self) -> usize {
        1 + ID_LEN
            + self.signed.encoded_len()
            + self.last_resort.encoded_len()
            + self.one_time.encoded_len()
            + self.one_time_kyber.encoded_len()
    }

    /// Reads the stored form, of either version.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        let version = reader.u8()?;
        let next_id = reader.u32()?;
        let stock = match version {
            FORMAT_VERSION => Self {
                next_id,
                signed: Rotation::decode(&mut reader)?,
                last_resort: Rotation::decode(&mut reader)?,
                one_time: Pool::decode(&mut reader)?,
                one_time_kyber: Pool::decode(&mut reader)?,
            },
            FORMAT_VERSION_1 => Self::decode_version_1(next_id, &mut reader)?,
            _ => return Err(Error::CorruptState),
        };
        reader.finish()?;
        Ok(stock)
    }

    fn decode_version_1(next_id: u32, reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let signed = SignedPreKey::decode(reader)?;
        let key = KyberPreKey::decode(reader)?;
        let (mut one_time, mut one_time_kyber) = (Pool::empty(), Pool::empty());
        for _ in 0..reader.length(MAX_RESERVED)? {
            let id = reader.u32()?;
            one_time.reserved.push_back(Numbered { id, key: Field::decode(reader)? });
            one_time_kyber.reserved.push_back(Numbered { id, key: Field::decode(reader)? });
        }
        let last_resort = LastResort { key, reuses: decode_reuses(reader)? };
        Ok(Self {
            next_id,
            // When they were made is not known: they are due.
            signed: Rotation::new(signed, 0),
            last_resort: Rotation::new(last_resort, 0),
            one_time,
            one_time_kyber,
        })
    }
}

/// A part of the stored form.
trait Field: Sized {
    fn encode(&self, out: &mut Vec<u8>);
    fn encoded_len(&self) -> usize;
    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error>;
}

impl<K: Field> Field for Rotation<K> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.since_ms.to_be_bytes());
        self.current.encode(out);
        write_length(out, self.retired.len());
        for retired in &self.retired {
            out.extend_from_slice(&retired.retired_ms.to_be_bytes());
            retired.key.encode(out);
        }
    }

    fn encoded_len(&self) -> usize {
        let keys = core::iter::once(&self.current).chain(self.retired.iter().map(|old| &old.key));
        ID_LEN + keys.map(|key| TIME_LEN + key.encoded_len()).sum::<usize>()
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let since_ms = reader.u64()?;
        let current = K::decode(reader)?;
        let mut retired = VecDeque::new();
        for _ in 0..reader.length(MAX_RETIRED)? {
            let retired_ms = reader.u64()?;
            retired.push_back(Retired { key: K::decode(reader)?, retired_ms });
        }
        Ok(Self { current, since_ms, retired })
    }
}

impl<K: Field> Field for Pool<K> {
    fn encode(&self, out: &mut Vec<u8>) {
        for keys in [&self.reserved, &self.offered] {
            write_length(out, keys.len());
            for numbered in keys {
                out.extend_from_slice(&numbered.id.to_be_bytes());
                numbered.key.encode(out);
            }
        }
    }

    fn encoded_len(&self) -> usize {
        let keys = self.reserved.iter().chain(&self.offered);
        2 * ID_LEN + keys.map(|numbered| ID_LEN + numbered.key.encoded_len()).sum::<usize>()
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let mut pool = Self::empty();
        for (keys, limit) in [(&mut pool.reserved, MAX_RESERVED), (&mut pool.offered, MAX_OFFERED)]
        {
            for _ in 0..reader.length(limit)? {
                let id = reader.u32()?;
                keys.push_back(Numbered { id, key: K::decode(reader)? });
            }
        }
        Ok(pool)
    }
}

impl Field for SignedPreKey {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.to_be_bytes());
        self.key.encode(out);
        out.extend_from_slice(&self.signature);
    }

    fn encoded_len(&self) -> usize {
        ID_LEN + PAIR_LEN + SIGNATURE_LEN
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let id = reader.u32()?;
        Ok(Self { id, key: Field::decode(reader)?, signature: *reader.array()? })
    }
}

impl Field for KyberPreKey {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.to_be_bytes());
        self.key.encode(out);
        out.extend_from_slice(&self.signature);
    }

    fn encoded_len(&self) -> usize {
        ID_LEN + self.key.encoded_len() + SIGNATURE_LEN
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let id = reader.u32()?;
        Ok(Self { id, key: Field::decode(reader)?, signature: *reader.array()? })
    }
}

impl Field for LastResort {
    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        write_length(out, self.reuses.len());
        for reuse in &self.reuses {
            out.extend_from_slice(reuse);
        }
    }

    fn encoded_len(&self) -> usize {
        self.key.encoded_len() + ID_LEN + self.reuses.len().saturating_mul(REUSE_LEN)
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        Ok(Self { key: Field::decode(reader)?, reuses: decode_reuses(reader)? })
    }
}

impl Field for x25519::PrivateKey {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.expose());
        out.extend_from_slice(self.public().as_bytes());
    }

    fn encoded_len(&self) -> usize {
        PAIR_LEN
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let secret = Secret::new(*reader.array()?);
        Ok(Self::from_parts(secret, x25519::PublicKey::new(*reader.array()?)))
    }
}

impl Field for kyber1024::DecapsulationKey {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Seed { seed, .. } => {
                out.push(SEED);
                out.extend_from_slice(seed.expose());
            }
            Self::Expanded(key) => {
                out.push(EXPANDED);
                out.extend_from_slice(key.expose());
            }
        }
    }

    fn encoded_len(&self) -> usize {
        match self {
            Self::Seed { .. } => 1 + 64,
            Self::Expanded(_) => 1 + kyber1024::EXPANDED_LEN,
        }
    }

    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        match reader.u8()? {
            SEED => Ok(Self::from_seed(Secret::new(*reader.array()?))),
            EXPANDED => Self::from_expanded(reader.array()?).map_err(|_| Error::CorruptState),
            _ => Err(Error::CorruptState),
        }
    }
}

fn decode_reuses(reader: &mut RecordReader<'_>) -> Result<Vec<[u8; REUSE_LEN]>, Error> {
    let mut reuses = Vec::new();
    for _ in 0..reader.length(MAX_REUSES)? {
        reuses.push(*reader.array()?);
    }
    Ok(reuses)
}
