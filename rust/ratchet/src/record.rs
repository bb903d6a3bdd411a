// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stored form of a Double Ratchet in two parts: a head that every message rewrites, and the
//! skipped seeds, rewritten only when they change (docs/formats.md, "Double Ratchet").

use core::marker::PhantomData;

use e2ee_primitives::{Secret, x25519};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use crate::{
    Chain, Dialect, DoubleRatchet,
    double::{ReceivingChain, SendingChain, Turn},
    skipped::Skipped,
};

/// Bytes of a key, and of a chain: its key and index.
const KEY_LEN: usize = 32;
const CHAIN_LEN: usize = 32 + 4;
pub(crate) const TURN_OURS: u8 = 1;
pub(crate) const TURN_THEIRS: u8 = 2;

impl<D: Dialect> DoubleRatchet<D> {
    /// Appends the head: whose turn it is, the sending chain and the receiving chains.
    pub fn encode_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.max_jump.to_be_bytes());
        match &self.turn {
            Turn::Ours { root, sending } => {
                out.push(TURN_OURS);
                out.extend_from_slice(root.expose());
                out.extend_from_slice(sending.key.expose());
                out.extend_from_slice(sending.key.public().as_bytes());
                encode_chain(&sending.chain, out);
                out.extend_from_slice(&sending.previous_length.to_be_bytes());
            }
            Turn::Theirs { root, their_key, previous_length } => {
                out.push(TURN_THEIRS);
                out.extend_from_slice(root.expose());
                out.extend_from_slice(their_key.as_bytes());
                out.extend_from_slice(&previous_length.to_be_bytes());
            }
        }
        write_length(out, self.receiving.len());
        for chain in &self.receiving {
            out.extend_from_slice(chain.their_key.as_bytes());
            encode_chain(&chain.chain, out);
        }
    }

    /// Bytes of the head.
    #[must_use]
    pub const fn head_len(&self) -> usize {
        let turn = match &self.turn {
            Turn::Ours { .. } => 3 * KEY_LEN + CHAIN_LEN,
            Turn::Theirs { .. } => 2 * KEY_LEN,
        };
        // Limit, tag, length of the previous chain, and number of receiving chains.
        4 + 1 + turn + 4 + 4 + self.receiving.len() * (KEY_LEN + CHAIN_LEN)
    }

    /// Appends the skipped seeds of each receiving chain that has some, in the order of the head.
    pub fn encode_skipped(&self, out: &mut Vec<u8>) {
        let with_seeds = || self.receiving.iter().filter(|chain| !chain.skipped.is_empty());
        write_length(out, with_seeds().count());
        for chain in with_seeds() {
            out.extend_from_slice(chain.their_key.as_bytes());
            chain.skipped.encode(out);
        }
    }

    /// Reads both parts back; [`Error::CorruptState`] if they are not what [`Self::encode_head`]
    /// and [`Self::encode_skipped`] write.
    pub fn decode(
        head: &mut RecordReader<'_>,
        skipped: &mut RecordReader<'_>,
    ) -> Result<Self, Error> {
        let max_jump = head.u32()?;
        let turn = decode_turn(head)?;
        let count = head.length(D::MAX_RECEIVING_CHAINS)?;
        let mut receiving: Vec<ReceivingChain> = Vec::with_capacity(count);
        for _ in 0..count {
            let their_key = x25519::PublicKey::new(*head.array()?);
            if receiving.iter().any(|chain| chain.their_key == their_key) {
                return Err(Error::CorruptState);
            }
            let chain = decode_chain(head)?;
            receiving.push(ReceivingChain { their_key, chain, skipped: Skipped::none() });
        }
        decode_skipped(skipped, &mut receiving)?;
        if let Turn::Theirs { their_key, .. } = &turn
            && receiving.last().is_none_or(|newest| newest.their_key != *their_key)
        {
            return Err(Error::CorruptState);
        }
        Ok(Self {
            turn,
            receiving,
            max_jump,
            skipped_generation: 0,
            older_generation: 0,
            dialect: PhantomData,
        })
    }
}

fn decode_turn(head: &mut RecordReader<'_>) -> Result<Turn, Error> {
    match head.u8()? {
        TURN_OURS => {
            let root = Secret::new(*head.array()?);
            let secret = Secret::new(*head.array()?);
            let public = x25519::PublicKey::new(*head.array()?);
            let key = x25519::PrivateKey::from_parts(secret, public);
            let chain = decode_chain(head)?;
            let previous_length = head.u32()?;
            Ok(Turn::Ours { root, sending: SendingChain { key, chain, previous_length } })
        }
        TURN_THEIRS => Ok(Turn::Theirs {
            root: Secret::new(*head.array()?),
            their_key: x25519::PublicKey::new(*head.array()?),
            previous_length: head.u32()?,
        }),
        _ => Err(Error::CorruptState),
    }
}

/// Gives each chain its seeds; the keys must come in the order of `receiving`, each once.
pub(crate) fn decode_skipped(
    reader: &mut RecordReader<'_>,
    receiving: &mut [ReceivingChain],
) -> Result<(), Error> {
    let count = reader.length(receiving.len())?;
    let mut chains = receiving.iter_mut();
    for _ in 0..count {
        let their_key = x25519::PublicKey::new(*reader.array()?);
        let chain = chains.find(|chain| chain.their_key == their_key).ok_or(Error::CorruptState)?;
        chain.skipped = Skipped::decode(reader, chain.chain.index())?;
        if chain.skipped.is_empty() {
            return Err(Error::CorruptState);
        }
    }
    Ok(())
}

pub(crate) fn encode_chain(chain: &Chain, out: &mut Vec<u8>) {
    out.extend_from_slice(chain.key().expose());
    out.extend_from_slice(&chain.index().to_be_bytes());
}

pub(crate) fn decode_chain(head: &mut RecordReader<'_>) -> Result<Chain, Error> {
    let key = Secret::new(*head.array()?);
    Ok(Chain::new(key, head.u32()?))
}
