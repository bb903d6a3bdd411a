// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stored form of the braid (docs/formats.md, "Post-quantum ratchet").
//!
//! The head holds what most messages change; the objects change only with the state and with
//! received chunks. Both begin with the state's tag, so that parts of two states do not mix.

use e2ee_primitives::{Secret, mlkem768::DecapsulationKey};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use super::{
    super::{
        Role,
        authenticator::Authenticator,
        erasure::{Chunk, Decoder, Encoder},
    },
    Braid, Encapsulation, State,
    send::header_encoder,
};

impl Braid {
    /// Appends epoch, authenticator, the state's tag and its encoder's counter.
    pub(in super::super) fn encode_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.epoch.to_be_bytes());
        self.authenticator.encode(out);
        out.push(self.state.tag());
        if let Some(next) = self.state.next_index() {
            out.extend_from_slice(&next.to_be_bytes());
        }
    }

    /// Appends the state's tag, keys, objects and received chunks.
    pub(in super::super) fn encode_objects(&self, out: &mut Vec<u8>) {
        out.push(self.state.tag());
        self.state.encode(out);
    }

    /// Reads both parts back.
    pub(in super::super) fn decode(
        head: &mut RecordReader<'_>,
        objects: &mut RecordReader<'_>,
        role: Role,
    ) -> Result<Self, Error> {
        let epoch = head.u64()?;
        let authenticator = Authenticator::decode(head)?;
        let tag = head.u8()?;
        // The initiator makes the key in odd epochs (spqr.md §1).
        let with_key = (epoch % 2 == 1) == matches!(role, Role::Initiator);
        let expected = if with_key {
            KEYS_UNSAMPLED..=EK_SENT_CT1_RECEIVED
        } else {
            NO_HEADER_RECEIVED..=CT2_SAMPLED
        };
        if epoch == 0 || !expected.contains(&tag) || objects.u8()? != tag {
            return Err(Error::CorruptState);
        }
        let state = if with_key {
            State::decode_with_key(tag, head, objects, |key, next| {
                header_encoder(key, epoch, &authenticator, next)
            })?
        } else {
            State::decode_with_ciphertext(tag, head, objects)?
        };
        Ok(Self { epoch, authenticator, state, objects_generation: 0 })
    }
}

impl State {
    const fn tag(&self) -> u8 {
        match self {
            Self::KeysUnsampled => KEYS_UNSAMPLED,
            Self::KeysSampled { .. } => KEYS_SAMPLED,
            Self::HeaderSent { .. } => HEADER_SENT,
            Self::Ct1Received { .. } => CT1_RECEIVED,
            Self::EkSentCt1Received { .. } => EK_SENT_CT1_RECEIVED,
            Self::NoHeaderReceived { .. } => NO_HEADER_RECEIVED,
            Self::HeaderReceived { .. } => HEADER_RECEIVED,
            Self::Ct1Sampled { .. } => CT1_SAMPLED,
            Self::EkReceivedCt1Sampled { .. } => EK_RECEIVED_CT1_SAMPLED,
            Self::Ct1Acknowledged { .. } => CT1_ACKNOWLEDGED,
            Self::Ct2Sampled { .. } => CT2_SAMPLED,
        }
    }

    /// The counter of the encoder, in states that have one.
    const fn next_index(&self) -> Option<u16> {
        match self {
            Self::KeysSampled { header, .. } => Some(header.next_index()),
            Self::HeaderSent { vector, .. } | Self::Ct1Received { vector, .. } => {
                Some(vector.next_index())
            }
            Self::Ct1Sampled { ct1, .. } | Self::EkReceivedCt1Sampled { ct1, .. } => {
                Some(ct1.next_index())
            }
            Self::Ct2Sampled { ct2 } => Some(ct2.next_index()),
            Self::KeysUnsampled
            | Self::EkSentCt1Received { .. }
            | Self::NoHeaderReceived { .. }
            | Self::HeaderReceived { .. }
            | Self::Ct1Acknowledged { .. } => None,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::KeysUnsampled => {}
            Self::KeysSampled { key, .. } => encode_key(key, out),
            Self::HeaderSent { key, vector, ct1 } => {
                encode_key(key, out);
                out.extend_from_slice(vector.object());
                ct1.encode(out);
            }
            Self::Ct1Received { key, ct1, vector } => {
                encode_key(key, out);
                out.extend_from_slice(vector.object());
                out.extend_from_slice(&ct1[..]);
            }
            Self::EkSentCt1Received { key, ct1, ct2 } => {
                encode_key(key, out);
                out.extend_from_slice(&ct1[..]);
                ct2.encode(out);
            }
            Self::NoHeaderReceived { header } => header.encode(out),
            Self::HeaderReceived { header } => out.extend_from_slice(&header[..]),
            Self::Ct1Sampled { encapsulation, ct1, vector } => {
                encapsulation.encode(out);
                out.extend_from_slice(ct1.object());
                vector.encode(out);
            }
            Self::EkReceivedCt1Sampled { encapsulation, ct1, vector } => {
                encapsulation.encode(out);
                out.extend_from_slice(ct1.object());
                out.extend_from_slice(&vector[..]);
            }
            Self::Ct1Acknowledged { encapsulation, ct1, vector } => {
                encapsulation.encode(out);
                out.extend_from_slice(&ct1[..]);
                vector.encode(out);
            }
            Self::Ct2Sampled { ct2 } => out.extend_from_slice(ct2.object()),
        }
    }

    /// The states of the side with the key.
    fn decode_with_key(
        tag: u8,
        head: &mut RecordReader<'_>,
        objects: &mut RecordReader<'_>,
        header: impl FnOnce(&DecapsulationKey, u16) -> Encoder<96>,
    ) -> Result<Self, Error> {
        if tag == KEYS_UNSAMPLED {
            return Ok(Self::KeysUnsampled);
        }
        let key = decode_key(objects)?;
        Ok(match tag {
            KEYS_SAMPLED => {
                let header = header(&key, head.u16()?);
                Self::KeysSampled { key, header }
            }
            HEADER_SENT => Self::HeaderSent {
                key,
                vector: decode_encoder(head, objects)?,
                ct1: Decoder::decode_started(objects)?,
            },
            CT1_RECEIVED => Self::Ct1Received {
                key,
                vector: decode_encoder(head, objects)?,
                ct1: decode_object(objects)?,
            },
            EK_SENT_CT1_RECEIVED => Self::EkSentCt1Received {
                key,
                ct1: decode_object(objects)?,
                ct2: Decoder::decode_started(objects)?,
            },
            _ => return Err(Error::CorruptState),
        })
    }

    /// The states of the side with the ciphertext.
    fn decode_with_ciphertext(
        tag: u8,
        head: &mut RecordReader<'_>,
        objects: &mut RecordReader<'_>,
    ) -> Result<Self, Error> {
        Ok(match tag {
            NO_HEADER_RECEIVED => Self::NoHeaderReceived { header: Decoder::decode(objects)? },
            HEADER_RECEIVED => Self::HeaderReceived { header: decode_object(objects)? },
            CT1_SAMPLED => Self::Ct1Sampled {
                encapsulation: Encapsulation::decode(objects)?,
                ct1: decode_encoder(head, objects)?,
                vector: Decoder::decode(objects)?,
            },
            EK_RECEIVED_CT1_SAMPLED => Self::EkReceivedCt1Sampled {
                encapsulation: Encapsulation::decode(objects)?,
                ct1: decode_encoder(head, objects)?,
                vector: decode_object(objects)?,
            },
            CT1_ACKNOWLEDGED => Self::Ct1Acknowledged {
                encapsulation: Encapsulation::decode(objects)?,
                ct1: decode_object(objects)?,
                vector: Decoder::decode_started(objects)?,
            },
            CT2_SAMPLED => Self::Ct2Sampled { ct2: decode_encoder(head, objects)? },
            _ => return Err(Error::CorruptState),
        })
    }
}

impl Encapsulation {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header);
        out.extend_from_slice(self.message.expose());
    }

    fn decode(objects: &mut RecordReader<'_>) -> Result<Box<Self>, Error> {
        let header = *objects.array()?;
        Ok(Box::new(Self { header, message: Secret::new(*objects.array()?) }))
    }
}

impl<const LEN: usize> Decoder<LEN> {
    fn encode(&self, out: &mut Vec<u8>) {
        write_length(out, self.chunks().len());
        for chunk in self.chunks() {
            out.extend_from_slice(&chunk.index.to_be_bytes());
            out.extend_from_slice(&chunk.bytes);
        }
    }

    /// Reads chunks, which must ascend and not complete the object.
    fn decode(objects: &mut RecordReader<'_>) -> Result<Self, Error> {
        let mut decoder = Self::new();
        let mut newest = None;
        for _ in 0..objects.length(Self::NEEDED - 1)? {
            let chunk = Chunk { index: objects.u16()?, bytes: *objects.array()? };
            if newest >= Some(chunk.index) || !decoder.add(&chunk) {
                return Err(Error::CorruptState);
            }
            newest = Some(chunk.index);
        }
        Ok(decoder)
    }

    /// The same for a state that only a chunk leads to.
    fn decode_started(objects: &mut RecordReader<'_>) -> Result<Self, Error> {
        Self::decode(objects).and_then(|decoder| {
            if decoder.chunks().is_empty() { Err(Error::CorruptState) } else { Ok(decoder) }
        })
    }
}

fn encode_key(key: &DecapsulationKey, out: &mut Vec<u8>) {
    match key {
        DecapsulationKey::Seed(seed) => {
            out.push(SEED);
            out.extend_from_slice(seed.expose());
        }
        DecapsulationKey::Expanded(key) => {
            out.push(EXPANDED);
            out.extend_from_slice(key.expose());
        }
    }
}

fn decode_key(objects: &mut RecordReader<'_>) -> Result<Box<DecapsulationKey>, Error> {
    let key = match objects.u8()? {
        SEED => DecapsulationKey::Seed(Secret::new(*objects.array()?)),
        EXPANDED => {
            DecapsulationKey::from_expanded(objects.array()?).or(Err(Error::CorruptState))?
        }
        _ => return Err(Error::CorruptState),
    };
    Ok(Box::new(key))
}

fn decode_encoder<const LEN: usize>(
    head: &mut RecordReader<'_>,
    objects: &mut RecordReader<'_>,
) -> Result<Encoder<LEN>, Error> {
    Ok(Encoder::new(decode_object(objects)?, head.u16()?))
}

fn decode_object<const LEN: usize>(
    objects: &mut RecordReader<'_>,
) -> Result<Box<[u8; LEN]>, Error> {
    objects.array().map(|object| Box::new(*object))
}

const KEYS_UNSAMPLED: u8 = 1;
const KEYS_SAMPLED: u8 = 2;
const HEADER_SENT: u8 = 3;
const CT1_RECEIVED: u8 = 4;
const EK_SENT_CT1_RECEIVED: u8 = 5;
const NO_HEADER_RECEIVED: u8 = 6;
const HEADER_RECEIVED: u8 = 7;
const CT1_SAMPLED: u8 = 8;
const EK_RECEIVED_CT1_SAMPLED: u8 = 9;
const CT1_ACKNOWLEDGED: u8 = 10;
const CT2_SAMPLED: u8 = 11;

const SEED: u8 = 1;
const EXPANDED: u8 = 2;
