// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a file is sealed under: a key with the size of its segments, or a passphrase
//! (docs/formats.md, "Sealed file").

use e2ee_primitives::{Random, Secret, SecretBytes, argon2id, argon2id::Cost};
use e2ee_wire::Error;

use crate::header::{HEADER_LEN, Header};
use crate::segments::Segments;

/// Bytes of a sealed segment with its tag; the two sizes of Tink's key templates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SegmentSize {
    /// 4,096, for files of which small parts are read (`AES256_GCM_HKDF_4KB`).
    Small,
    /// 1,048,576 (`AES256_GCM_HKDF_1MB`).
    Large,
}

impl SegmentSize {
    /// The size of so many bytes; [`Error::InvalidArgument`] for any other number.
    pub const fn new(bytes: u32) -> Result<Self, Error> {
        match bytes {
            4_096 => Ok(Self::Small),
            1_048_576 => Ok(Self::Large),
            _ => Err(Error::InvalidArgument),
        }
    }

    /// The bytes.
    #[must_use]
    pub const fn get(self) -> u32 {
        match self {
            Self::Small => 4_096,
            Self::Large => 1_048_576,
        }
    }
}

/// A key of any number of files; each file is sealed under a key of its own that follows from it.
#[derive(Debug)]
pub struct FileKey {
    secret: Secret<32>,
    size: SegmentSize,
}

impl FileKey {
    /// A key from 32 uniformly random bytes.
    #[must_use]
    pub const fn new(secret: Secret<32>, size: SegmentSize) -> Self {
        Self { secret, size }
    }

    /// A fresh key; draws exactly 32 bytes.
    pub fn random(size: SegmentSize, random: &mut dyn Random) -> Result<Self, Error> {
        Secret::random(random).map(|secret| Self { secret, size })
    }

    /// The bytes, for whoever keeps the key or sends it inside an encrypted message.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.secret.expose()
    }

    /// The size of the segments of its files, which does not stand in them.
    #[must_use]
    pub const fn segment_size(&self) -> SegmentSize {
        self.size
    }
}

/// What a file is sealed under.
#[derive(Debug)]
pub enum FileSecret {
    /// A key: the file is what Tink writes, and nothing else.
    Key(FileKey),
    /// A passphrase: what makes a key of it stands before what Tink would write.
    Passphrase(SecretBytes),
}

impl FileSecret {
    /// Bytes before the first segment.
    #[must_use]
    pub const fn preamble_len(&self) -> usize {
        match self {
            Self::Key(_) => HEADER_LEN,
            Self::Passphrase(_) => PASSPHRASE_HEAD_LEN + HEADER_LEN,
        }
    }

    /// A new file: its segments, and its bytes before the first of them.
    ///
    /// Draws the salt of a passphrase (16 bytes), the salt of the key (32) and the prefix of the
    /// nonces (7).
    pub(crate) fn begin(
        &self,
        associated_data: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Segments, Vec<u8>), Error> {
        let mut preamble = Vec::with_capacity(self.preamble_len());
        if let Self::Passphrase(_) = self {
            let mut salt = [0; PASSPHRASE_SALT_LEN];
            random.fill(&mut salt)?;
            preamble.push(PASSPHRASE_VERSION);
            preamble.extend_from_slice(&Cost::DEFAULT.encode());
            preamble.extend_from_slice(&salt);
        }
        preamble.extend_from_slice(&Header::random(random)?.encode());
        let segments = self.open(&preamble, associated_data)?;
        Ok((segments, preamble))
    }

    /// The segments of a file that begins with `preamble`.
    ///
    /// [`Error::Malformed`] if no file under such a secret begins so, [`Error::Forged`] if it is
    /// cut. A wrong secret shows when a segment is opened.
    pub(crate) fn open(&self, preamble: &[u8], associated_data: &[u8]) -> Result<Segments, Error> {
        match self {
            Self::Key(key) => {
                let header = Header::decode(preamble)?;
                Segments::new(key, &header, &[associated_data], 0)
            }
            Self::Passphrase(passphrase) => {
                if *preamble.first().ok_or(Error::Forged)? != PASSPHRASE_VERSION {
                    return Err(Error::Malformed);
                }
                let (head, header) =
                    preamble.split_first_chunk::<PASSPHRASE_HEAD_LEN>().ok_or(Error::Forged)?;
                let header = Header::decode(header)?;
                let key = stretched(passphrase, head)?;
                Segments::new(&key, &header, &[head, associated_data], PASSPHRASE_HEAD_LEN)
            }
        }
    }
}

fn stretched(passphrase: &SecretBytes, head: &[u8; PASSPHRASE_HEAD_LEN]) -> Result<FileKey, Error> {
    let (cost, salt) = head
        .split_last_chunk::<PASSPHRASE_SALT_LEN>()
        .and_then(|(rest, salt)| Some((Cost::decode(rest.last_chunk()?)?, salt)))
        .ok_or(Error::Malformed)?;
    let secret = argon2id::derive(passphrase.expose(), salt, cost);
    let secret = secret.map_err(|_| Error::Malformed)?;
    Ok(FileKey { secret, size: SegmentSize::Large })
}

/// No stream of Tink's begins with it: there the first byte is the length of the header, 40.
const PASSPHRASE_VERSION: u8 = 1;
const PASSPHRASE_SALT_LEN: usize = 16;
const PASSPHRASE_HEAD_LEN: usize = 1 + argon2id::COST_LEN + PASSPHRASE_SALT_LEN;
