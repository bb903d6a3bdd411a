// SPDX-License-Identifier: MIT OR Apache-2.0
//! The numbers of the protocol, and bounds for what a peer can make us keep or do
//! (mtproto_secret_chats.md §4 to §6).

/// The newest layer of which we can say that we speak it (§4).
pub const NEWEST_LAYER: i32 = 144;
/// The first layer of MTProto 2.0: no message of ours names a lower one (§4).
pub const FIRST_LAYER: i32 = 73;
/// The layer that a peer speaks of whom nothing is known yet (§4).
pub const LEAST_LAYER: i32 = 46;

/// Messages in both directions after which a key is changed (§6).
pub const REKEY_MESSAGES: u32 = 100;
/// Milliseconds after which a key is changed that was used at all: 7 days (§6).
pub const REKEY_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// How far a message may be ahead of the next one that is missing: no peer sends more of them
/// again (§5).
pub const MAX_GAP: u32 = 1_000;
/// Messages that are sent again for one request (§5).
pub const MAX_RESEND: u32 = 1_000;
/// Messages before a number does not fit in its field, which holds twice of it and a bit (§5).
pub const MAX_MESSAGES: u32 = 1 << 30;

/// Chats that one store holds.
pub const MAX_CHATS: usize = 10_000;
