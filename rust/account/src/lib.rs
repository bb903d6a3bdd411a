// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an account keeps over a store, without the words of any one protocol: sealed records for
//! which a root record vouches, the generation that an anchor knows, what a process remembers of
//! rows, and the steps that change them (docs/storage.md, "Steps" and "What vouches for what").

#![forbid(unsafe_code)]

pub mod anchor_value;
pub mod anchoring;
pub mod batch;
pub mod draft;
pub mod examination;
pub mod exchange;
pub mod generation;
pub mod healing;
pub mod inbox;
pub mod index;
pub mod ledger;
pub mod memory;
pub mod names;
pub mod outbox;
pub mod outcome;
pub mod peer;
pub mod protocol;
pub mod receiving;
pub mod rekey;
pub mod resting;
pub mod saved;
pub mod session_list;
pub mod sessions;
pub mod unlocked;
pub mod vault;

pub use anchoring::Confirmation;
pub use exchange::Exchange;
pub use healing::Healing;
pub use inbox::{Delivery, InboxEntry};
pub use ledger::Ledger;
pub use outbox::OutboxEntry;
pub use outcome::{Environment, Learnt, Outcome};
pub use peer::{Peer, SessionId, Trust};
pub use protocol::{Content, Device, Identity, Protocol, StoredSession};
pub use saved::Saved;
pub use session_list::SessionList;
pub use sessions::LoadedPeer;
pub use unlocked::Unlocked;
pub use vault::Vault;
