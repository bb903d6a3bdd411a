// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sources of randomness for tests (docs/architecture.md, "Layers").

use e2ee_primitives::{Random, sha};
use e2ee_wire::Error;

/// Bytes that look random, the same for each number.
pub struct Numbered(pub u32);

impl Random for Numbered {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for chunk in out.chunks_mut(32) {
            let block = sha::sha256(&[b"numbered", &self.0.to_be_bytes()]);
            chunk.copy_from_slice(&block[..chunk.len()]);
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

/// What nothing may be drawn from.
pub struct Never;

impl Random for Never {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), Error> {
        panic!("something was drawn");
    }
}

/// A source that fails.
pub struct Failing;

impl Random for Failing {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::RandomUnavailable)
    }
}

/// The draws of a test, one after the other; a further one fails the test.
pub struct Draws(pub Vec<Vec<u8>>);

impl Random for Draws {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        assert!(!self.0.is_empty(), "more was drawn than was given");
        out.copy_from_slice(&self.0.remove(0));
        Ok(())
    }
}
