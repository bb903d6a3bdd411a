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
        erasure::{Addition, Chunk, Decoder, Encoder, Kept},
    },
    Braid, Encapsulation, Generations, State,
    send::header_encoder,
};

impl Braid {
    /// Appends epoch, authenticator, the state's tag and its encoder's counter.
    pub(in super::super) fn encode_head(&self, out: &mut Vec<u8>) {
        Start::encode(self, out);
        if let Some(next) = self.state.next_index() {
            out.extend_from_slice(&next.to_be_bytes());
        }
    }

    /// Appends the state's tag, keys, objects and received chunks.
    pub(in super::super) fn encode_objects(&self, out: &mut Vec<u8>) {
        out.push(self.state.tag());
        self.state.encode(Chunks::AmongObjects, out);
    }

    /// Reads both parts back.
    pub(in super::super) fn decode(
        head: &mut RecordReader<'_>,
        objects: &mut RecordReader<'_>,
        role: Role,
    ) -> Result<Self, Error> {
        let start = Start::decode(head)?;
        if objects.u8()? != start.tag {
            return Err(Error::CorruptState);
        }
        start.with_state(head, objects, (role, Chunks::AmongObjects))
    }
}

/// What stands before the state itself.
pub(super) struct Start {
    epoch: u64,
    authenticator: Authenticator,
    tag: u8,
}

impl Start {
    /// Appends epoch, authenticator and the state's tag.
    pub(super) fn encode(braid: &Braid, out: &mut Vec<u8>) {
        out.extend_from_slice(&braid.epoch.to_be_bytes());
        braid.authenticator.encode(out);
        out.push(braid.state.tag());
    }

    pub(super) fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let epoch = reader.u64()?;
        Ok(Self { epoch, authenticator: Authenticator::decode(reader)?, tag: reader.u8()? })
    }

    /// Reads the state, which must be one that `role` can be in.
    pub(super) fn with_state(
        self,
        head: &mut RecordReader<'_>,
        objects: &mut RecordReader<'_>,
        (role, chunks): (Role, Chunks),
    ) -> Result<Braid, Error> {
        let Self { epoch, authenticator, tag } = self;
        // The initiator makes the key in odd epochs (spqr.md §1).
        let with_key = (epoch % 2 == 1) == matches!(role, Role::Initiator);
        let expected = if with_key {
            KEYS_UNSAMPLED..=EK_SENT_CT1_RECEIVED
        } else {
            NO_HEADER_RECEIVED..=CT2_SAMPLED
        };
        if epoch == 0 || !expected.contains(&tag) {
            return Err(Error::CorruptState);
        }
        let mut parts = Parts { head, objects, chunks };
        let state = if with_key {
            State::decode_with_key(tag, &mut parts, |key, next| {
                header_encoder(key, epoch, &authenticator, next)
            })?
        } else {
            State::decode_with_ciphertext(tag, &mut parts)?
        };
        Ok(Braid { epoch, authenticator, state, generations: Generations::default() })
    }
}

/// Where the chunks of the incomplete object stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    /// Behind the state's other objects.
    AmongObjects,
    /// In records of their own; the head says how many there are, and the highest index.
    Apart,
}

/// The parts from which a state is read.
struct Parts<'p, 'head, 'objects> {
    head: &'p mut RecordReader<'head>,
    objects: &'p mut RecordReader<'objects>,
    chunks: Chunks,
}

impl Parts<'_, '_, '_> {
    fn encoder<const LEN: usize>(&mut self) -> Result<Encoder<LEN>, Error> {
        Ok(Encoder::new(decode_object(self.objects)?, self.head.u16()?))
    }

    fn decoder<const LEN: usize>(&mut self) -> Result<Decoder<LEN>, Error> {
        match self.chunks {
            Chunks::AmongObjects => Decoder::decode(self.objects),
            Chunks::Apart => {
                let (count, newest) = (usize::from(self.head.u8()?), self.head.u16()?);
                Decoder::left(Kept { count, newest })
            }
        }
    }

    /// The same for a state that only a chunk leads to.
    fn decoder_started<const LEN: usize>(&mut self) -> Result<Decoder<LEN>, Error> {
        let decoder = self.decoder()?;
        if decoder.kept().count == 0 { Err(Error::CorruptState) } else { Ok(decoder) }
    }
}

impl State {
    pub(super) const fn tag(&self) -> u8 {
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
    pub(super) const fn next_index(&self) -> Option<u16> {
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

    /// Appends keys and objects, and the chunks unless they stand apart.
    pub(super) fn encode(&self, chunks: Chunks, out: &mut Vec<u8>) {
        match self {
            Self::KeysUnsampled => {}
            Self::KeysSampled { key, .. } => encode_key(key, out),
            Self::HeaderSent { key, vector, ct1 } => {
                encode_key(key, out);
                out.extend_from_slice(vector.object());
                ct1.encode(chunks, out);
            }
            Self::Ct1Received { key, ct1, vector } => {
                encode_key(key, out);
                out.extend_from_slice(vector.object());
                out.extend_from_slice(&ct1[..]);
            }
            Self::EkSentCt1Received { key, ct1, ct2 } => {
                encode_key(key, out);
                out.extend_from_slice(&ct1[..]);
                ct2.encode(chunks, out);
            }
            Self::NoHeaderReceived { header } => header.encode(chunks, out),
            Self::HeaderReceived { header } => out.extend_from_slice(&header[..]),
            Self::Ct1Sampled { encapsulation, ct1, vector } => {
                encapsulation.encode(out);
                out.extend_from_slice(ct1.object());
                vector.encode(chunks, out);
            }
            Self::EkReceivedCt1Sampled { encapsulation, ct1, vector } => {
                encapsulation.encode(out);
                out.extend_from_slice(ct1.object());
                out.extend_from_slice(&vector[..]);
            }
            Self::Ct1Acknowledged { encapsulation, ct1, vector } => {
                encapsulation.encode(out);
                out.extend_from_slice(&ct1[..]);
                vector.encode(chunks, out);
            }
            Self::Ct2Sampled { ct2 } => out.extend_from_slice(ct2.object()),
        }
    }

    /// The states of the side with the key.
    fn decode_with_key(
        tag: u8,
        parts: &mut Parts<'_, '_, '_>,
        header: impl FnOnce(&DecapsulationKey, u16) -> Encoder<96>,
    ) -> Result<Self, Error> {
        if tag == KEYS_UNSAMPLED {
            return Ok(Self::KeysUnsampled);
        }
        let key = decode_key(parts.objects)?;
        Ok(match tag {
            KEYS_SAMPLED => {
                let header = header(&key, parts.head.u16()?);
                Self::KeysSampled { key, header }
            }
            HEADER_SENT => {
                Self::HeaderSent { key, vector: parts.encoder()?, ct1: parts.decoder_started()? }
            }
            CT1_RECEIVED => Self::Ct1Received {
                key,
                vector: parts.encoder()?,
                ct1: decode_object(parts.objects)?,
            },
            EK_SENT_CT1_RECEIVED => Self::EkSentCt1Received {
                key,
                ct1: decode_object(parts.objects)?,
                ct2: parts.decoder_started()?,
            },
            _ => return Err(Error::CorruptState),
        })
    }

    /// The states of the side with the ciphertext.
    fn decode_with_ciphertext(tag: u8, parts: &mut Parts<'_, '_, '_>) -> Result<Self, Error> {
        Ok(match tag {
            NO_HEADER_RECEIVED => Self::NoHeaderReceived { header: parts.decoder()? },
            HEADER_RECEIVED => Self::HeaderReceived { header: decode_object(parts.objects)? },
            CT1_SAMPLED => Self::Ct1Sampled {
                encapsulation: Encapsulation::decode(parts.objects)?,
                ct1: parts.encoder()?,
                vector: parts.decoder()?,
            },
            EK_RECEIVED_CT1_SAMPLED => Self::EkReceivedCt1Sampled {
                encapsulation: Encapsulation::decode(parts.objects)?,
                ct1: parts.encoder()?,
                vector: decode_object(parts.objects)?,
            },
            CT1_ACKNOWLEDGED => Self::Ct1Acknowledged {
                encapsulation: Encapsulation::decode(parts.objects)?,
                ct1: decode_object(parts.objects)?,
                vector: parts.decoder_started()?,
            },
            CT2_SAMPLED => Self::Ct2Sampled { ct2: parts.encoder()? },
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
    /// Appends the chunks; nothing if they stand apart.
    fn encode(&self, place: Chunks, out: &mut Vec<u8>) {
        if place == Chunks::Apart {
            return;
        }
        // Chunks that were left in the store are counted, so that what is without them is damage.
        write_length(out, self.kept().count);
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
            if newest >= Some(chunk.index) || decoder.add(&chunk) != Addition::Added {
                return Err(Error::CorruptState);
            }
            newest = Some(chunk.index);
        }
        Ok(decoder)
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
