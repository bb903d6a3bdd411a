// SPDX-License-Identifier: MIT OR Apache-2.0
//! Randomness as an argument: the trait that every drawing function takes (docs/architecture.md, "Layers").

use e2ee_wire::Error;

/// A source of uniformly random bytes, chosen by the binding and never by a protocol.
pub trait Random {
    /// Fills the whole buffer, or fails with `RandomUnavailable` and must not be used further.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error>;

    /// The nonce of a record that is about to be sealed.
    ///
    /// It travels in clear beside what it sealed, so a source may draw some of them at a time;
    /// everything else must be drawn when it is needed.
    fn nonce(&mut self) -> Result<[u8; 12], Error> {
        let mut nonce = [0; 12];
        self.fill(&mut nonce)?;
        Ok(nonce)
    }
}
