// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stored form of a Double Ratchet in three parts: a small head with the two chains at work,
//! the older receiving chains, and the skipped seeds (docs/formats.md, "Double Ratchet", version 2).

use core::marker::PhantomData;

use e2ee_primitives::{Secret, x25519};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use crate::{
    Dialect, DoubleRatchet,
    double::{ReceivingChain, SendingChain, Turn},
    record::{TURN_OURS, TURN_THEIRS, decode_chain, decode_skipped, encode_chain},
    skipped::Skipped,
};

impl<D: Dialect> DoubleRatchet<D> {
    /// The largest jump of a received index, which never changes.
    #[must_use]
    pub const fn max_jump(&self) -> u32 {
        self.max_jump
    }

    /// Whether there are receiving chains before the newest.
    #[must_use]
    pub const fn has_older(&self) -> bool {
        self.receiving.len() > 1
    }

    /// Appends whose turn it is, the sending chain, and the newest receiving chain.
    pub fn encode_turn(&self, out: &mut Vec<u8>) {
        match &self.turn {
            Turn::Ours { root, sending } => {
                out.push(TURN_OURS);
                out.extend_from_slice(root.expose());
                out.extend_from_slice(sending.key.expose());
                out.extend_from_slice(sending.key.public().as_bytes());
                encode_chain(&sending.chain, out);
                out.extend_from_slice(&sending.previous_length.to_be_bytes());
            }
            Turn::Theirs { root, previous_length, .. } => {
                out.push(TURN_THEIRS);
                out.extend_from_slice(root.expose());
                out.extend_from_slice(&previous_length.to_be_bytes());
            }
        }
        out.push(u8::from(!self.receiving.is_empty()));
        if let Some(newest) = self.receiving.last() {
            encode_receiving(newest, out);
        }
    }

    /// Appends the receiving chains before the newest, oldest first.
    pub fn encode_older(&self, out: &mut Vec<u8>) {
        let older = self.receiving.split_last().map_or(&[][..], |(_, older)| older);
        write_length(out, older.len());
        for chain in older {
            encode_receiving(chain, out);
        }
    }

    /// Reads the parts back; one that is absent holds nothing.
    ///
    /// [`Error::CorruptState`] if they are not what [`Self::encode_turn`], [`Self::encode_older`]
    /// and [`Self::encode_skipped`] write.
    pub fn decode_parts(
        max_jump: u32,
        head: &mut RecordReader<'_>,
        older: Option<&mut RecordReader<'_>>,
        skipped: Option<&mut RecordReader<'_>>,
    ) -> Result<Self, Error> {
        let sending = decode_sending(head)?;
        let newest = match head.u8()? {
            0 => None,
            1 => Some(decode_receiving(head)?),
            _ => return Err(Error::CorruptState),
        };
        let turn = match (sending, &newest) {
            (Sending::Ours(root, sending), _) => Turn::Ours { root, sending },
            (Sending::Theirs(root, previous_length), Some(newest)) => {
                Turn::Theirs { root, their_key: newest.their_key, previous_length }
            }
            (Sending::Theirs(..), None) => return Err(Error::CorruptState),
        };
        let mut receiving = older.map_or(Ok(Vec::new()), decode_older::<D>)?;
        if newest.is_none() && !receiving.is_empty() {
            return Err(Error::CorruptState);
        }
        receiving.extend(newest);
        if !are_distinct(&receiving) {
            return Err(Error::CorruptState);
        }
        if let Some(skipped) = skipped {
            decode_skipped(skipped, &mut receiving)?;
        }
        let (skipped_generation, older_generation) = (0, 0);
        let dialect = PhantomData;
        Ok(Self { turn, receiving, max_jump, skipped_generation, older_generation, dialect })
    }
}

/// The sending side as the head has it; their ratchet key stands with the newest receiving chain.
enum Sending {
    Ours(Secret<32>, SendingChain),
    Theirs(Secret<32>, u32),
}

fn decode_sending(head: &mut RecordReader<'_>) -> Result<Sending, Error> {
    let tag = head.u8()?;
    let root = Secret::new(*head.array()?);
    match tag {
        TURN_OURS => {
            let secret = Secret::new(*head.array()?);
            let public = x25519::PublicKey::new(*head.array()?);
            let key = x25519::PrivateKey::from_parts(secret, public);
            let chain = decode_chain(head)?;
            let previous_length = head.u32()?;
            Ok(Sending::Ours(root, SendingChain { key, chain, previous_length }))
        }
        TURN_THEIRS => Ok(Sending::Theirs(root, head.u32()?)),
        _ => Err(Error::CorruptState),
    }
}

fn decode_older<D: Dialect>(older: &mut RecordReader<'_>) -> Result<Vec<ReceivingChain>, Error> {
    let count = older.length(D::MAX_RECEIVING_CHAINS.saturating_sub(1))?;
    if count == 0 {
        return Err(Error::CorruptState);
    }
    // Of one size from the start: a list that grows leaves copies of its keys behind.
    let mut chains = Vec::with_capacity(D::MAX_RECEIVING_CHAINS);
    for _ in 0..count {
        chains.push(decode_receiving(older)?);
    }
    Ok(chains)
}

fn encode_receiving(chain: &ReceivingChain, out: &mut Vec<u8>) {
    out.extend_from_slice(chain.their_key.as_bytes());
    encode_chain(&chain.chain, out);
}

fn decode_receiving(reader: &mut RecordReader<'_>) -> Result<ReceivingChain, Error> {
    let their_key = x25519::PublicKey::new(*reader.array()?);
    Ok(ReceivingChain { their_key, chain: decode_chain(reader)?, skipped: Skipped::none() })
}

fn are_distinct(chains: &[ReceivingChain]) -> bool {
    let mut chains = chains.iter();
    while let Some(chain) = chains.next() {
        if chains.clone().any(|other| other.their_key == chain.their_key) {
            return false;
        }
    }
    true
}
