// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a Double Ratchet holds, taken out of one or put into one: for states that another program
//! kept, or will keep (Double Ratchet §3.2, the state variables).

use core::marker::PhantomData;

use e2ee_primitives::{Secret, x25519};
use e2ee_wire::Error;

use crate::{
    Chain, Dialect, DoubleRatchet,
    double::{ReceivingChain, SendingChain, Turn},
    skipped::{MAX_SKIPPED_SEEDS, Skipped},
};

/// The keys of a ratchet. Putting them into two ratchets uses message keys twice.
#[derive(Debug)]
pub struct Contents {
    /// The root key.
    pub root: Secret<32>,
    /// Our ratchet key and the chain under it, unless the peer's is the newest ratchet key.
    pub sending: Option<(x25519::PrivateKey, Chain)>,
    /// The receiving chains, oldest first.
    pub receiving: Vec<ReceivingContents>,
}

/// A receiving chain.
#[derive(Debug)]
pub struct ReceivingContents {
    /// The peer's ratchet key.
    pub their_key: x25519::PublicKey,
    /// The chain under it.
    pub chain: Chain,
    /// The seeds of late messages, ascending by index.
    pub skipped: Vec<(u32, Secret<32>)>,
}

impl<D: Dialect> DoubleRatchet<D> {
    /// The ratchet that holds `contents`. Of a sending chain, what the dialect may say of the one
    /// before it is 0.
    ///
    /// [`Error::Malformed`] if they are no state of a ratchet: too many chains or seeds, two chains
    /// under one key, seeds that do not ascend or are ahead of their chain, or no chain at all.
    pub fn assemble(contents: Contents, max_jump: u32) -> Result<Self, Error> {
        let Contents { root, sending, receiving } = contents;
        if receiving.len() > D::MAX_RECEIVING_CHAINS {
            return Err(Error::Malformed);
        }
        let mut chains: Vec<ReceivingChain> = Vec::with_capacity(D::MAX_RECEIVING_CHAINS);
        for ReceivingContents { their_key, chain, skipped } in receiving {
            let known = chains.iter().any(|other| other.their_key == their_key);
            if known || !fits(&skipped, chain.index()) {
                return Err(Error::Malformed);
            }
            let mut kept = Skipped::none();
            kept.extend(skipped);
            chains.push(ReceivingChain { their_key, chain, skipped: kept });
        }
        let turn = match (sending, chains.last()) {
            (Some((key, chain)), _) => {
                Turn::Ours { root, sending: SendingChain { key, chain, previous_length: 0 } }
            }
            (None, Some(newest)) => {
                Turn::Theirs { root, their_key: newest.their_key, previous_length: 0 }
            }
            (None, None) => return Err(Error::Malformed),
        };
        Ok(Self {
            turn,
            receiving: chains,
            max_jump,
            skipped_generation: 0,
            older_generation: 0,
            dialect: PhantomData,
        })
    }

    /// What the ratchet holds.
    #[must_use]
    pub fn contents(&self) -> Contents {
        let (root, sending) = match &self.turn {
            Turn::Ours { root, sending } => {
                (root, Some((sending.key.duplicate(), duplicate(&sending.chain))))
            }
            Turn::Theirs { root, .. } => (root, None),
        };
        let receiving = self.receiving.iter().map(|chain| ReceivingContents {
            their_key: chain.their_key,
            chain: duplicate(&chain.chain),
            skipped: chain.skipped.duplicate(),
        });
        Contents { root: root.duplicate(), sending, receiving: receiving.collect() }
    }
}

const fn duplicate(chain: &Chain) -> Chain {
    Chain::new(chain.key().duplicate(), chain.index())
}

fn fits(skipped: &[(u32, Secret<32>)], next_index: u32) -> bool {
    skipped.len() <= MAX_SKIPPED_SEEDS
        && skipped.is_sorted_by(|(one, _), (other, _)| one < other)
        && skipped.last().is_none_or(|(last, _)| *last < next_index)
}
