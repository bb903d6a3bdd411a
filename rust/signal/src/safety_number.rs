// SPDX-License-Identifier: MIT OR Apache-2.0
//! Safety numbers: 60 digits that two people compare to know that nobody is between them
//! (signal.md §11).

use core::fmt::Write as _;

use e2ee_primitives::{sha, x25519};

use crate::keys::encode_ec;

/// Digits of a safety number.
pub const DIGITS: usize = 60;
const ITERATIONS: u32 = 5_200;
const CHUNK_LEN: usize = 5;
const CHUNKS: usize = 6;

/// One of the two people.
#[derive(Debug)]
pub struct Party<'a> {
    /// The identity key.
    pub identity_key: &'a x25519::PublicKey,
    /// The service id in its variable binary form (version 2 of the numbers).
    pub id: &'a [u8],
}

/// What both people see alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyNumber {
    digits: String,
}

impl SafetyNumber {
    /// The number of these two, the same from either side.
    #[must_use]
    pub fn new(ours: &Party<'_>, theirs: &Party<'_>) -> Self {
        let (ours, theirs) = (half(ours), half(theirs));
        let digits = if ours <= theirs { ours + &theirs } else { theirs + &ours };
        Self { digits }
    }

    /// The 60 decimal digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }
}

/// A person's 30 digits: six chunks of five bytes of the hash, each modulo 100 000.
fn half(party: &Party<'_>) -> String {
    let key = encode_ec(party.identity_key);
    let mut hash = sha::sha512(&[&[0, 0], &key, party.id, &key]);
    for _ in 1..ITERATIONS {
        hash = sha::sha512(&[&hash, &key]);
    }
    let mut digits = String::with_capacity(CHUNKS * CHUNK_LEN);
    for chunk in hash.chunks_exact(CHUNK_LEN).take(CHUNKS) {
        let number = chunk.iter().fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
        // Writing to a `String` cannot fail.
        _ = write!(digits, "{:05}", number % 100_000);
    }
    digits
}
