// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who shares the pieces of work on many messages; nothing here knows a thread
//! (docs/storage.md, "Batches").

use e2ee_primitives::random::Random;

/// Does pieces of work that do not depend on each other, perhaps at once.
pub trait Workers {
    /// The results of `work` on all items, in their order; `weight` says how many messages an item
    /// has. `work` may run on several threads, each with randomness of its own.
    fn map<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        weight: impl Fn(&T) -> usize,
        work: impl Fn(T, &mut dyn Random) -> R + Sync,
    ) -> Vec<R>;
}
