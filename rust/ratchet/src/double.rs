// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Double Ratchet (Double Ratchet §3; signal.md §6), generic over a [`Dialect`].
//!
//! ```text
//!             encrypt (makes a key, turns the root)
//!   Theirs ─────────────────────────────────────────► Ours
//!          ◄─────────────────────────────────────────
//!             decrypt under a new ratchet key of the peer
//! ```
//!
//! Unlike the specification, which makes the next ratchet key while receiving, the key is made
//! when it is first needed to send: the wire is the same (signal.md §6.2), and opening a message
//! draws no randomness.

use core::marker::PhantomData;

use e2ee_primitives::{Secret, cbc_hmac::MessageKeys, hkdf, random::Random, x25519};
use e2ee_wire::Error;

use crate::{Chain, Dialect, Header, dialect::FrameHead, skipped::Skipped};

/// One side of a conversation.
#[derive(Debug)]
pub struct DoubleRatchet<D> {
    pub(crate) turn: Turn,
    /// Oldest first.
    pub(crate) receiving: Vec<ReceivingChain>,
    pub(crate) max_jump: u32,
    pub(crate) skipped_generation: u64,
    pub(crate) older_generation: u64,
    pub(crate) dialect: PhantomData<D>,
}

/// How far the chains of a ratchet have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positions {
    /// The index of our next message; none if it makes a new chain.
    pub sent: Option<u32>,
    /// The index behind the newest message that came on the newest receiving chain.
    pub received: Option<u32>,
    /// How many receiving chains there are.
    pub receiving_chains: usize,
}

/// Whose ratchet key is the newest.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Ours: we send on its chain; a new key of the peer turns the root with it.
    Ours { root: Secret<32>, sending: SendingChain },
    /// Theirs: our next message makes a key and turns the root. A second new key of the peer
    /// cannot exist before that.
    Theirs { root: Secret<32>, their_key: x25519::PublicKey, previous_length: u32 },
}

/// The chain that we send on, under our ratchet key.
#[derive(Debug)]
pub(crate) struct SendingChain {
    pub(crate) key: x25519::PrivateKey,
    pub(crate) chain: Chain,
    pub(crate) previous_length: u32,
}

/// A chain that we receive on, under one ratchet key of the peer.
#[derive(Debug)]
pub(crate) struct ReceivingChain {
    pub(crate) their_key: x25519::PublicKey,
    pub(crate) chain: Chain,
    pub(crate) skipped: Skipped,
}

/// A message that can be sealed: everything that may fail has been done, nothing has changed.
#[derive(Debug)]
pub struct Prepared {
    header: Header,
    previous_length: u32,
    seed: Secret<32>,
    next: Chain,
    /// The root and the ratchet key that this message brings in.
    turned: Option<(Secret<32>, x25519::PrivateKey)>,
}

impl<D: Dialect> DoubleRatchet<D> {
    /// A ratchet whose newest key is `key`, ours, with the chain that sends under it.
    ///
    /// A message may lie `max_jump` ahead in its chain at the most.
    #[must_use]
    pub const fn ours(
        root: Secret<32>,
        key: x25519::PrivateKey,
        chain: Chain,
        max_jump: u32,
    ) -> Self {
        let sending = SendingChain { key, chain, previous_length: 0 };
        Self {
            turn: Turn::Ours { root, sending },
            receiving: Vec::new(),
            max_jump,
            skipped_generation: 0,
            older_generation: 0,
            dialect: PhantomData,
        }
    }

    /// A ratchet whose newest key is `their_key`, the peer's, with the chain that the peer sends
    /// under it from the start.
    ///
    /// A message may lie `max_jump` ahead in its chain at the most.
    #[must_use]
    pub fn theirs(
        root: Secret<32>,
        their_key: x25519::PublicKey,
        chain: Chain,
        max_jump: u32,
    ) -> Self {
        Self {
            turn: Turn::Theirs { root, their_key, previous_length: 0 },
            receiving: vec![ReceivingChain { their_key, chain, skipped: Skipped::none() }],
            max_jump,
            skipped_generation: 0,
            older_generation: 0,
            dialect: PhantomData,
        }
    }

    /// A ratchet that turns its root once with the fresh `key` and the peer's first ratchet key.
    pub fn initiate(
        root: &Secret<32>,
        key: x25519::PrivateKey,
        their_key: &x25519::PublicKey,
        max_jump: u32,
    ) -> Result<Self, Error> {
        let (root, chain) = turn_root::<D>(root, &key, their_key)?;
        Ok(Self::ours(root, key, chain, max_jump))
    }

    /// Our newest ratchet key, if it is ours that is the newest.
    #[must_use]
    pub const fn our_key(&self) -> Option<&x25519::PublicKey> {
        match &self.turn {
            Turn::Ours { sending, .. } => Some(sending.key.public()),
            Turn::Theirs { .. } => None,
        }
    }

    /// How far the chains have come.
    #[must_use]
    pub fn positions(&self) -> Positions {
        Positions {
            sent: match &self.turn {
                Turn::Ours { sending, .. } => Some(sending.chain.index()),
                Turn::Theirs { .. } => None,
            },
            received: self.receiving.last().map(|newest| newest.chain.index()),
            receiving_chains: self.receiving.len(),
        }
    }

    /// Whether a receiving chain exists under `their_key`.
    #[must_use]
    pub fn knows(&self, their_key: &x25519::PublicKey) -> bool {
        self.receiving.iter().any(|chain| chain.their_key == *their_key)
    }

    /// Changes whenever the stored form of the skipped seeds would.
    #[must_use]
    pub const fn skipped_generation(&self) -> u64 {
        self.skipped_generation
    }

    /// Changes whenever the stored form of the receiving chains before the newest would.
    #[must_use]
    pub const fn older_generation(&self) -> u64 {
        self.older_generation
    }

    /// Derives the seed of our next message; a new ratchet key is drawn if it is our turn to make
    /// one (Double Ratchet §3.4 and §3.5; signal.md §6.2).
    pub fn prepare(&self, random: &mut dyn Random) -> Result<Prepared, Error> {
        match &self.turn {
            Turn::Ours { sending, .. } => {
                let (seed, next) = sending.chain.step()?;
                let ratchet_key = *sending.key.public();
                let header = Header { ratchet_key, index: sending.chain.index() };
                let previous_length = sending.previous_length;
                Ok(Prepared { header, previous_length, seed, next, turned: None })
            }
            Turn::Theirs { root, their_key, previous_length } => {
                let key = x25519::PrivateKey::random(random)?;
                let (root, chain) = turn_root::<D>(root, &key, their_key)?;
                let (seed, next) = chain.step()?;
                let header = Header { ratchet_key: *key.public(), index: chain.index() };
                let previous_length = *previous_length;
                Ok(Prepared { header, previous_length, seed, next, turned: Some((root, key)) })
            }
        }
    }

    /// Encrypts `plaintext` as the message that was prepared, and moves on.
    ///
    /// Appends the frame to `out`: the dialect's head, the AES-256-CBC body, its tail and the tag.
    pub fn seal(
        &mut self,
        prepared: Prepared,
        salt: &D::Salt,
        framing: &D::Framing<'_>,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) {
        let keys = message_keys::<D>(&prepared.seed, salt);
        let body_len = MessageKeys::ciphertext_len(plaintext.len());
        let start = out.len();
        let Prepared { header, previous_length, .. } = prepared;
        D::begin(framing, &FrameHead { header, previous_length, body_len }, out);
        keys.encrypt_into(plaintext, out);
        D::end(framing, out);
        let [first, second] = D::associated_data(framing);
        let tag = keys.tag(&[first, second, out.get(start..).unwrap_or_default()]);
        out.extend(tag.iter().take(D::TAG_LEN));
        self.moved_on(prepared);
    }

    fn moved_on(&mut self, prepared: Prepared) {
        let Prepared { next, turned, previous_length, .. } = prepared;
        match (&mut self.turn, turned) {
            (Turn::Ours { sending, .. }, _) => sending.chain = next,
            (turn @ Turn::Theirs { .. }, Some((root, key))) => {
                let sending = SendingChain { key, chain: next, previous_length };
                *turn = Turn::Ours { root, sending };
            }
            // `prepare` has turned the root in this state; only a message prepared for another
            // ratchet comes here, and leaves this one as it is.
            (Turn::Theirs { .. }, None) => {}
        }
    }
}

/// One step of the root chain (Double Ratchet §5.2, `KDF_RK`; signal.md §6.1): HKDF-SHA-256 with
/// the root as salt gives the next root and the first chain key.
pub(crate) fn turn_root<D: Dialect>(
    root: &Secret<32>,
    our_key: &x25519::PrivateKey,
    their_key: &x25519::PublicKey,
) -> Result<(Secret<32>, Chain), Error> {
    let shared = our_key.agree(their_key)?;
    let derived: Secret<64> = hkdf::derive(root.expose(), &[shared.expose()], &[D::ROOT_LABEL]);
    let (root, chain) = derived.split();
    Ok((root, Chain::new(chain, 0)))
}

/// The keys of one message (signal.md §6.3).
pub(crate) fn message_keys<D: Dialect>(seed: &Secret<32>, salt: &D::Salt) -> MessageKeys {
    MessageKeys::new(hkdf::derive(D::salt(salt), &[seed.expose()], &[D::MESSAGE_LABEL]))
}
