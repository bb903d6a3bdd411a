// SPDX-License-Identifier: MIT OR Apache-2.0
//! The records beside a chat's state: who it is with, and messages that are kept (docs/formats.md,
//! "Secret chat").

use e2ee_account::{draft, names};
use e2ee_primitives::{Secret, SecretBytes};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_bytes},
};

use crate::{
    chat::Sent,
    exchange::Offer,
    group::Group,
    picture::{KeyPicture, PICTURE_LEN},
};

use super::layout::TAG_LEN;

const FORMAT_VERSION: u8 = 1;
/// The first version of a store of secret chats: lower ones are accounts of other protocols.
pub const IDENTITY_VERSION: u8 = 64;

/// Whose chats a store holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Owner {
    /// The name.
    pub user: String,
    /// The newest layer that is said to be spoken in chats that begin from now on.
    pub layer: i32,
}

impl Owner {
    /// The identity record.
    pub fn encode(&self) -> SecretBytes {
        draft::encoded(|out| {
            out.push(IDENTITY_VERSION);
            write_bytes(out, self.user.as_bytes());
            out.extend_from_slice(&self.layer.to_be_bytes());
        })
    }

    /// Reads it back.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != IDENTITY_VERSION {
            return Err(Error::CorruptState);
        }
        let user = names::read_user(&mut reader)?;
        let layer = i32::from_be_bytes(*reader.array()?);
        reader.finish()?;
        Ok(Self { user, layer })
    }
}

/// How far a chat is.
#[derive(Debug)]
pub enum Phase {
    /// We have asked, and the other end has not answered.
    Offered(Box<Offer>),
    /// Both ends have the first key, of which this is the picture.
    Ready(KeyPicture),
}

/// What hardly ever changes of a chat.
#[derive(Debug)]
pub struct Record {
    /// The other end's name.
    pub peer: String,
    /// What tells it from other chats of this number.
    pub tag: [u8; TAG_LEN],
    /// The group in which keys are agreed on.
    pub group: Group,
    /// How far it is.
    pub phase: Phase,
}

impl Record {
    /// The record.
    pub fn encode(&self) -> SecretBytes {
        // Room for all of it: a vector that grows leaves secrets in its old place.
        let mut out = Vec::with_capacity(2_048);
        out.push(FORMAT_VERSION);
        write_bytes(&mut out, self.peer.as_bytes());
        out.extend_from_slice(&self.tag);
        self.group.encode(&mut out);
        match &self.phase {
            Phase::Offered(offer) => {
                out.push(OFFERED);
                offer.encode(&mut out);
            }
            Phase::Ready(picture) => {
                out.push(READY);
                out.extend_from_slice(picture.as_bytes());
            }
        }
        SecretBytes::new(out)
    }

    /// Reads it back.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let peer = names::read_user(&mut reader)?;
        let tag = *reader.array()?;
        let group = Group::decode(&mut reader)?;
        let phase = match reader.u8()? {
            OFFERED => Phase::Offered(Box::new(Offer::decode(&mut reader)?)),
            READY => Phase::Ready(KeyPicture::from_bytes(reader.array::<PICTURE_LEN>()?)?),
            _ => return Err(Error::CorruptState),
        };
        reader.finish()?;
        Ok(Self { peer, tag, group, phase })
    }
}

const OFFERED: u8 = 1;
const READY: u8 = 2;

/// A message of ours and whether it is a deletion in the place of another one.
pub fn encode_sent(sent: &Sent, is_replaced: bool) -> SecretBytes {
    let mut out = Vec::with_capacity(sent.wire.len().saturating_add(64));
    out.push(FORMAT_VERSION);
    out.extend_from_slice(&sent.number.to_be_bytes());
    out.extend_from_slice(&sent.received.to_be_bytes());
    out.extend_from_slice(&sent.random_id.to_be_bytes());
    out.push(u8::from(sent.is_service));
    out.push(u8::from(is_replaced));
    write_bytes(&mut out, &sent.wire);
    SecretBytes::new(out)
}

/// Reads them back.
pub fn decode_sent(bytes: &[u8]) -> Result<(Sent, bool), Error> {
    let mut reader = RecordReader::new(bytes);
    if reader.u8()? != FORMAT_VERSION {
        return Err(Error::CorruptState);
    }
    let (number, received) = (reader.u32()?, reader.u32()?);
    let random_id = i64::from_be_bytes(*reader.array()?);
    let (is_service, is_replaced) = (flag(&mut reader)?, flag(&mut reader)?);
    let wire = reader.bytes()?.to_vec();
    reader.finish()?;
    Ok((Sent { number, received, random_id, is_service, wire }, is_replaced))
}

/// A message that waits for its turn.
pub fn encode_waiting(fingerprint: i64, body: &SecretBytes) -> SecretBytes {
    let mut out = Vec::with_capacity(body.len().saturating_add(16));
    out.push(FORMAT_VERSION);
    out.extend_from_slice(&fingerprint.to_be_bytes());
    write_bytes(&mut out, body.expose());
    SecretBytes::new(out)
}

/// Reads it back.
pub fn decode_waiting(bytes: &[u8]) -> Result<(i64, SecretBytes), Error> {
    let mut reader = RecordReader::new(bytes);
    if reader.u8()? != FORMAT_VERSION {
        return Err(Error::CorruptState);
    }
    let fingerprint = i64::from_be_bytes(*reader.array()?);
    let body = SecretBytes::new(reader.bytes()?.to_vec());
    reader.finish()?;
    Ok((fingerprint, body))
}

fn flag(reader: &mut RecordReader<'_>) -> Result<bool, Error> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::CorruptState),
    }
}

/// What the prekeys' record holds, as nobody begins a chat with a key of ours that lies about.
pub fn no_prekeys() -> SecretBytes {
    SecretBytes::new(vec![FORMAT_VERSION])
}

/// A tag that no chat had before.
pub fn new_tag(random: &mut dyn e2ee_primitives::Random) -> Result<[u8; TAG_LEN], Error> {
    Ok(*Secret::random(random)?.expose())
}
