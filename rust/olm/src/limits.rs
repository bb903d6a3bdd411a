// SPDX-License-Identifier: MIT OR Apache-2.0
//! The limits of sessions and one-time keys (olm_megolm.md §1.4; ours beside those of the peers).
//!
//! The seeds of 2 000 late messages are kept for each receiving chain, the limit of the ratchet
//! itself. Unlike libolm and vodozemac, which keep 40: a burst that comes in another order than it
//! was sent in opens as a whole, and what a peer can make us keep stays bounded.

/// How far ahead in its chain a message may lie: 2 000, as at both peers.
pub const MAX_JUMP: u32 = 2_000;

/// Receiving chains that a session keeps; the oldest gives way.
pub const MAX_RECEIVING_CHAINS: usize = 5;

/// One-time keys that may wait to be published.
///
/// As many as a server is given at once: with those that were published before and are not used
/// yet, they fit [`MAX_ONE_TIME_KEYS`].
pub const MAX_UNPUBLISHED_KEYS: usize = 50;

/// One-time keys whose private halves are kept, published or not; the oldest give way.
///
/// As libolm: 50 on the server, and 50 that were claimed and whose first message is on its way.
/// Unlike vodozemac, which keeps 5 000: each one is rewritten with the account.
pub const MAX_ONE_TIME_KEYS: usize = 100;

/// Sessions with one device that are kept behind the one that sends (olm_megolm.md §8 keeps 4 or
/// more).
pub const MAX_ARCHIVED_SESSIONS: usize = 4;

/// Seeds of late messages that are kept for all sessions with one device, as for Signal's; those of
/// the oldest sessions give way.
///
/// Without it, five sessions of five chains could make us keep 50 000.
pub const MAX_SKIPPED_SEEDS_PER_PEER: usize = 20_000;

/// Sessions that were accepted under one fallback key and are remembered, so that their first
/// messages are not accepted again; the oldest is forgotten.
///
/// A fallback key that was used is replaced soon, and its memory goes with it; what the account's
/// record grows by stays below 64 KiB.
pub const MAX_ACCEPTED_BASE_KEYS: usize = 1_000;

/// Sessions with one device that an envelope may be tried on.
const SESSIONS: u32 = 5;

/// Hash steps that one envelope may cost before it authenticates, over all sessions that it is
/// tried on: in each a full jump, and an agreement.
pub const ENVELOPE_STEPS: u32 = SESSIONS * (MAX_JUMP + 1 + 100);
