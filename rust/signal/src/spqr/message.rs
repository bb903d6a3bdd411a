// SPDX-License-Identifier: MIT OR Apache-2.0
//! The post-quantum field of a message: version, epoch, index and one step of the braid
//! (spqr.md §3).

use e2ee_wire::{Error, Reader, varint};

use super::erasure::Chunk;

/// A decoded field; its bytes are covered by the message's own tag and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    epoch: u64,
    index: u32,
    payload: Payload,
}

impl Message {
    /// A message of braid epoch `epoch` whose key has the number `index` in its chain.
    pub(super) const fn new(epoch: u64, index: u32, payload: Payload) -> Self {
        Self { epoch, index, payload }
    }

    /// Reads a field; bytes behind it are ignored, they are how the format grows.
    ///
    /// Unlike the specification's peers, index 0 ("no key") and unknown versions are refused
    /// everywhere: either would let who holds the classical keys alone send messages
    /// (spqr.md §11).
    pub fn decode(field: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(field);
        // An absent field is version 0.
        if reader.byte() != Ok(VERSION) {
            return Err(Error::UnsupportedVersion);
        }
        let epoch = varint::read(&mut reader)?;
        let index = u32::try_from(varint::read(&mut reader)?).map_err(|_| Error::Malformed)?;
        if epoch == 0 || index == 0 {
            return Err(Error::Malformed);
        }
        Ok(Self { epoch, index, payload: Payload::decode(&mut reader)? })
    }

    /// Appends the field.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        varint::write(out, self.epoch);
        varint::write(out, u64::from(self.index));
        out.push(self.payload.kind());
        if let Some(chunk) = self.payload.chunk() {
            varint::write(out, u64::from(chunk.index));
            out.extend_from_slice(&chunk.bytes);
        }
    }

    /// The number of bytes that [`Message::encode_into`] appends.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let chunk = self
            .payload
            .chunk()
            .map_or(0, |chunk| varint::encoded_len(u64::from(chunk.index)) + chunk.bytes.len());
        2 + varint::encoded_len(self.epoch) + varint::encoded_len(u64::from(self.index)) + chunk
    }

    /// The sender's braid epoch, at least 1.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The number of the message's key in its chain, at least 1.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// The step of the braid.
    #[must_use]
    pub const fn payload(&self) -> &Payload {
        &self.payload
    }
}

/// What a message carries for the braid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Nothing (`None`).
    Nothing,
    /// A chunk of header ‖ header MAC (`Hdr`).
    Header(Chunk),
    /// A chunk of the encapsulation key's vector (`Ek`).
    Vector(Chunk),
    /// The same, and the first ciphertext part has arrived (`EkCt1Ack`).
    VectorAndCt1Ack(Chunk),
    /// The first ciphertext part has arrived (`Ct1Ack`).
    Ct1Ack,
    /// A chunk of the first ciphertext part (`Ct1`).
    Ct1(Chunk),
    /// A chunk of second ciphertext part ‖ ciphertext MAC (`Ct2`).
    Ct2(Chunk),
}

impl Payload {
    /// The chunk, if there is one.
    #[must_use]
    pub const fn chunk(&self) -> Option<&Chunk> {
        match self {
            Self::Header(chunk)
            | Self::Vector(chunk)
            | Self::VectorAndCt1Ack(chunk)
            | Self::Ct1(chunk)
            | Self::Ct2(chunk) => Some(chunk),
            Self::Nothing | Self::Ct1Ack => None,
        }
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Header(_) => 1,
            Self::Vector(_) => 2,
            Self::VectorAndCt1Ack(_) => 3,
            Self::Ct1Ack => 4,
            Self::Ct1(_) => 5,
            Self::Ct2(_) => 6,
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(match reader.byte()? {
            0 => Self::Nothing,
            1 => Self::Header(decode_chunk(reader)?),
            2 => Self::Vector(decode_chunk(reader)?),
            3 => Self::VectorAndCt1Ack(decode_chunk(reader)?),
            4 => Self::Ct1Ack,
            5 => Self::Ct1(decode_chunk(reader)?),
            6 => Self::Ct2(decode_chunk(reader)?),
            _ => return Err(Error::Malformed),
        })
    }
}

fn decode_chunk(reader: &mut Reader<'_>) -> Result<Chunk, Error> {
    let index = u16::try_from(varint::read(reader)?).map_err(|_| Error::Malformed)?;
    Ok(Chunk { index, bytes: *reader.array()? })
}

/// The only version that is spoken.
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(message: &Message) -> Vec<u8> {
        let mut out = Vec::new();
        message.encode_into(&mut out);
        out
    }

    fn first() -> Message {
        Message::new(1, 1, Payload::Header(Chunk { index: 0, bytes: [7; 32] }))
    }

    #[test]
    fn the_first_message_of_a_session_has_the_documented_bytes() {
        let bytes = encode(&first());

        assert_eq!([1, 1, 1, 1, 0, 7], bytes[..6]);
        assert_eq!(37, bytes.len());
        assert_eq!(37, first().encoded_len());
    }

    #[test]
    fn the_largest_field_survives_a_round_trip() {
        let chunk = Chunk { index: u16::MAX, bytes: [9; 32] };
        let message = Message::new(u64::MAX, u32::MAX, Payload::Ct2(chunk));
        let bytes = encode(&message);

        assert_eq!(52, bytes.len());
        assert_eq!(52, message.encoded_len());
        assert_eq!(Ok(message), Message::decode(&bytes));
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = encode(&first());

        for length in 1..bytes.len() {
            assert_eq!(Err(Error::Malformed), Message::decode(&bytes[..length]));
        }
    }

    #[test]
    fn other_versions_and_an_absent_field_are_refused_by_kind() {
        for version in (0..=u8::MAX).filter(|&version| version != VERSION) {
            let mut bytes = encode(&first());
            bytes[0] = version;
            assert_eq!(Err(Error::UnsupportedVersion), Message::decode(&bytes));
        }
        assert_eq!(Err(Error::UnsupportedVersion), Message::decode(&[]));
    }

    #[test]
    fn epoch_zero_and_index_zero_are_refused_in_every_epoch() {
        assert_eq!(Err(Error::Malformed), Message::decode(&[1, 0, 1, 0]));
        assert_eq!(Err(Error::Malformed), Message::decode(&[1, 1, 0, 0]));
        assert_eq!(Err(Error::Malformed), Message::decode(&[1, 2, 0, 0]));
        // The overlong form of zero.
        assert_eq!(Err(Error::Malformed), Message::decode(&[1, 1, 0x80, 0, 0]));
    }
}
