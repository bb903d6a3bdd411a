// SPDX-License-Identifier: MIT OR Apache-2.0
//! Nonces of sealed records, drawn some at a time (docs/formats.md, "Sealed records").
//!
//! A call of the system's random source costs as much as the sealing of a small record, and a nonce
//! is no secret: it travels in clear beside what it sealed. Keys are never drawn ahead.

use std::cell::RefCell;

use e2ee_primitives::{Random, forked::Mark};
use e2ee_wire::Error;

use crate::own::this_process;

const LEN: usize = 12;
const DRAWN: usize = 16;

/// What is left of the last draw of a thread, and the process that drew it.
struct Drawn {
    process: Option<Mark>,
    left: usize,
    nonces: [[u8; LEN]; DRAWN],
}

/// The next nonce of this thread, which no other thread and no forked process has.
#[inline]
pub fn next(random: &mut dyn Random) -> Result<[u8; LEN], Error> {
    let process = this_process();
    NONCES.with_borrow_mut(|drawn| {
        if drawn.left == 0 || drawn.process.is_none() || drawn.process != process {
            random.fill(drawn.nonces.as_flattened_mut())?;
            drawn.process = process;
            drawn.left = DRAWN;
        }
        drawn.left = drawn.left.saturating_sub(1);
        drawn.nonces.get(drawn.left).copied().ok_or(Error::RandomUnavailable)
    })
}

thread_local! {
    static NONCES: RefCell<Drawn> =
        const { RefCell::new(Drawn { process: None, left: 0, nonces: [[0; LEN]; DRAWN] }) };
}
