// SPDX-License-Identifier: MIT OR Apache-2.0
//! Randomness as an argument: the trait that every drawing function takes (docs/architecture.md, "Layers").

use e2ee_wire::Error;

/// A source of uniformly random bytes, chosen by the binding and never by a protocol.
pub trait Random {
    /// Fills the whole buffer, or fails with `RandomUnavailable` and must not be used further.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error>;
}
