// SPDX-License-Identifier: MIT OR Apache-2.0
//! The limits of sessions and sender keys (signal.md §7; ours beside the reference client's).

/// How far ahead in its chain a message may lie.
pub const MAX_JUMP: u32 = 25_000;

/// The same for a session with oneself.
///
/// Unlike the reference client, which sets no limit there: a forged index would cost up to 2³²
/// steps (spqr.md §9.4).
pub const MAX_JUMP_WITH_SELF: u32 = 1_000_000;

/// Receiving chains that a session keeps.
pub const MAX_RECEIVING_CHAINS: usize = 5;

/// How far ahead in its chain a group message may lie.
pub const MAX_SENDER_KEY_JUMP: u32 = 25_000;

/// Chains that are kept of one sender of a group.
pub const MAX_SENDER_KEY_STATES: usize = 5;

/// Devices in a group; and of its senders, those whose chains are kept.
pub const MAX_GROUP_DEVICES: usize = 5_000;

/// Sessions that are kept behind the current one.
pub const MAX_ARCHIVED_SESSIONS: usize = 40;

/// Seeds of late messages that are kept for all sessions with one address; when a session is
/// archived and there are more, those of the oldest sessions give way.
pub const MAX_SKIPPED_SEEDS_PER_PEER: usize = 20_000;

/// Age in seconds above which an unacknowledged session is not sent on (30 days).
pub const MAX_UNACKNOWLEDGED_SECONDS: u64 = 30 * 24 * 60 * 60;

/// Hash steps that one envelope may cost before it authenticates, over all candidate sessions: a
/// full jump of both ratchets in two of them, and their agreements.
pub const ENVELOPE_STEPS: u32 = 4 * (MAX_JUMP + 1) + 5_000;

/// The same for a session with oneself.
pub const ENVELOPE_STEPS_WITH_SELF: u32 = 4 * (MAX_JUMP_WITH_SELF + 1);
