// SPDX-License-Identifier: MIT OR Apache-2.0
//! The braid: in each epoch one side sends an ML-KEM key and the other its ciphertext, both in
//! chunks, and both learn one secret (spqr.md §7).

mod parts;
mod receive;
mod record;
mod send;

use e2ee_primitives::{Secret, mlkem768::DecapsulationKey};

pub use parts::Incomplete;

use super::{
    Role,
    authenticator::Authenticator,
    erasure::{Decoder, Encoder},
};

/// One side of the braid.
#[derive(Debug)]
pub(super) struct Braid {
    epoch: u64,
    authenticator: Authenticator,
    state: State,
    generations: Generations,
}

impl Braid {
    /// The first epoch: the initiator will make the key.
    pub(super) fn new(auth_key: &Secret<32>, role: Role) -> Self {
        let state = match role {
            Role::Initiator => State::KeysUnsampled,
            Role::Responder => State::NoHeaderReceived { header: Decoder::new() },
        };
        let generations = Generations::default();
        Self { epoch: 1, authenticator: Authenticator::new(auth_key), state, generations }
    }

    /// The epoch at work, from 1.
    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The state's long name.
    pub(super) const fn state_name(&self) -> &'static str {
        self.state.name()
    }

    /// What has changed since the braid was made or read.
    pub(super) const fn generations(&self) -> Generations {
        self.generations
    }

    /// Whether this epoch's secret is known already: the side with the ciphertext learns it first.
    pub(super) const fn has_emitted(&self) -> bool {
        matches!(
            self.state,
            State::Ct1Sampled { .. }
                | State::EkReceivedCt1Sampled { .. }
                | State::Ct1Acknowledged { .. }
                | State::Ct2Sampled { .. }
        )
    }

    /// Whether the next message that is sent makes an object.
    pub(super) const fn begins_object(&self) -> bool {
        matches!(self.state, State::KeysUnsampled | State::HeaderReceived { .. })
    }

    /// Whether the state shows that a message of this epoch was sent.
    pub(super) const fn has_sent(&self) -> bool {
        match &self.state {
            State::KeysUnsampled
            | State::NoHeaderReceived { .. }
            | State::HeaderReceived { .. } => false,
            // A key that was entered from outside has sent nothing yet.
            State::KeysSampled { header, .. } => header.next_index() > 0,
            _ => true,
        }
    }
}

/// Change counters; they start anew when a braid is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generations {
    /// Of the state; with it change epoch and authenticator.
    pub turns: u64,
    /// Of the chunks of the incomplete object: those that came in.
    pub added: u64,
    /// Those that took the place of another one.
    pub replaced: u64,
}

/// Where an epoch stands; the first five are the side with the key, the others the side with the
/// ciphertext.
#[derive(Debug)]
enum State {
    /// E0: our next message makes the key.
    KeysUnsampled,
    /// E1: sending the header and its MAC.
    KeysSampled { key: Box<DecapsulationKey>, header: Encoder<96> },
    /// E2: the peer has the header; sending the vector, receiving the first ciphertext part.
    HeaderSent { key: Box<DecapsulationKey>, vector: Encoder<1152>, ct1: Decoder<960> },
    /// E3: sending the vector with the word that the first part is complete.
    Ct1Received { key: Box<DecapsulationKey>, ct1: Box<[u8; 960]>, vector: Encoder<1152> },
    /// E4: receiving the second part and its MAC.
    EkSentCt1Received { key: Box<DecapsulationKey>, ct1: Box<[u8; 960]>, ct2: Decoder<160> },
    /// C0: receiving the header and its MAC.
    NoHeaderReceived { header: Decoder<96> },
    /// C1: our next message makes the first ciphertext part.
    HeaderReceived { header: Box<[u8; 64]> },
    /// C2: sending the first part, receiving the vector.
    Ct1Sampled { encapsulation: Box<Encapsulation>, ct1: Encoder<960>, vector: Decoder<1152> },
    /// C3: the vector is complete; sending the first part until the peer says that it has it.
    EkReceivedCt1Sampled {
        encapsulation: Box<Encapsulation>,
        ct1: Encoder<960>,
        vector: Box<[u8; 1152]>,
    },
    /// C4: the peer has the first part; receiving the vector.
    Ct1Acknowledged {
        encapsulation: Box<Encapsulation>,
        ct1: Box<[u8; 960]>,
        vector: Decoder<1152>,
    },
    /// C5: sending the second part and its MAC.
    Ct2Sampled { ct2: Encoder<160> },
}

impl State {
    const fn name(&self) -> &'static str {
        match self {
            Self::KeysUnsampled => "KeysUnsampled",
            Self::KeysSampled { .. } => "KeysSampled",
            Self::HeaderSent { .. } => "HeaderSent",
            Self::Ct1Received { .. } => "Ct1Received",
            Self::EkSentCt1Received { .. } => "EkSentCt1Received",
            Self::NoHeaderReceived { .. } => "NoHeaderReceived",
            Self::HeaderReceived { .. } => "HeaderReceived",
            Self::Ct1Sampled { .. } => "Ct1Sampled",
            Self::EkReceivedCt1Sampled { .. } => "EkReceivedCt1Sampled",
            Self::Ct1Acknowledged { .. } => "Ct1Acknowledged",
            Self::Ct2Sampled { .. } => "Ct2Sampled",
        }
    }
}

/// What the second half of an encapsulation needs of the first; its randomness is recomputed.
#[derive(Debug)]
struct Encapsulation {
    header: [u8; 64],
    message: Secret<32>,
}

/// Both parts behind each other.
fn join<const A: usize, const B: usize, const N: usize>(
    first: &[u8; A],
    second: &[u8; B],
) -> [u8; N] {
    const { assert!(A + B == N, "the parts do not fill the object") };
    let mut object = [0; N];
    object.iter_mut().zip(first.iter().chain(second)).for_each(|(to, from)| *to = *from);
    object
}

/// The parts that [`join`] put together.
fn split<const A: usize, const B: usize, const N: usize>(object: &[u8; N]) -> ([u8; A], [u8; B]) {
    const { assert!(A + B == N, "the parts do not fill the object") };
    let (mut first, mut second) = ([0; A], [0; B]);
    first.iter_mut().chain(&mut second).zip(object).for_each(|(to, from)| *to = *from);
    (first, second)
}
