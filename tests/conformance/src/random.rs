// SPDX-License-Identifier: MIT OR Apache-2.0
//! A random source that plays a script, so that a whole conversation is a snapshot.

use std::collections::VecDeque;

use e2ee_primitives::Random;
use e2ee_wire::Error;

/// Hands out queued bytes in order; drawing more than was queued fails the test.
#[derive(Default)]
pub struct ScriptedRandom {
    queue: VecDeque<u8>,
}

impl ScriptedRandom {
    /// Queues the parts, one after the other.
    #[must_use]
    pub fn new(parts: &[&[u8]]) -> Self {
        Self { queue: parts.concat().into() }
    }

    /// Queues more bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.queue.extend(bytes);
    }

    /// Ends the script.
    ///
    /// # Panics
    ///
    /// If bytes are left: the code drew less than expected.
    pub fn finish(self) {
        assert!(self.queue.is_empty(), "{} random bytes were not drawn", self.queue.len());
    }
}

impl Random for ScriptedRandom {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        assert!(out.len() <= self.queue.len(), "the script of random bytes is exhausted");
        let drawn = self.queue.drain(..out.len());
        for (to, from) in out.iter_mut().zip(drawn) {
            *to = from;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_handed_out_in_order() {
        let mut random = ScriptedRandom::new(&[&[1, 2], &[3]]);
        random.push(&[4]);
        let mut out = [0; 4];

        random.fill(&mut out[..3]).unwrap();
        random.fill(&mut out[3..]).unwrap();

        assert_eq!([1, 2, 3, 4], out);
        random.finish();
    }

    #[test]
    #[should_panic(expected = "exhausted")]
    fn drawing_too_much_fails() {
        let _ = ScriptedRandom::new(&[&[1]]).fill(&mut [0; 2]);
    }

    #[test]
    #[should_panic(expected = "not drawn")]
    fn drawing_too_little_fails() {
        ScriptedRandom::new(&[&[1]]).finish();
    }
}
