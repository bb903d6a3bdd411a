// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the core asks of an anchor: a few bytes outside the store, which are not put back or cloned
//! together with it (docs/storage.md, "Anchor").

use crate::StoreError;

/// A value that is durable when a method returns, and changed by compare-and-set.
pub trait Anchor {
    /// The value, or `None` if none was ever set.
    fn read(&mut self) -> Result<Option<Vec<u8>>, StoreError>;

    /// Sets `new` if the value is `old`, and says whether it did.
    fn advance(&mut self, old: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError>;
}
