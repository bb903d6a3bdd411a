// SPDX-License-Identifier: MIT OR Apache-2.0
//! ML-KEM-768 in two halves, so that a ratchet can send it in chunks (FIPS 203, spqr.md §5).
//!
//! The arithmetic is libcrux's, which picks the CPU's path at run time. Its buffers are ours
//! wherever it lets us choose them, and are wiped.

use core::fmt;

use libcrux_ml_kem::mlkem768::incremental;
use zeroize::Zeroize;

use crate::random::Random;
use crate::secret::Secret;
use crate::sha;
use e2ee_wire::Error;

/// Length of the header: ρ and the hash of the public key.
pub const HEADER_LEN: usize = 64;
/// Length of the vector t̂ in its 12-bit encoding.
pub const VECTOR_LEN: usize = 1152;
/// Length of the first part of a ciphertext.
pub const CT1_LEN: usize = 960;
/// Length of the second part of a ciphertext.
pub const CT2_LEN: usize = 128;

/// A decapsulation key: our own as its seed, an imported one as its 2400 bytes.
pub enum DecapsulationKey {
    /// d ‖ z of FIPS 203 §7.1; the key is expanded when needed, which takes microseconds.
    Seed(Secret<64>),
    /// ŝ ‖ t̂ ‖ ρ ‖ h ‖ z, whose h was checked.
    Expanded(Box<Secret<EXPANDED_LEN>>),
}

impl DecapsulationKey {
    /// Draws a new seed of exactly 64 bytes.
    pub fn generate(random: &mut dyn Random) -> Result<Self, Error> {
        Ok(Self::Seed(Secret::random(random)?))
    }

    /// Takes a recorded key; its hash must be that of the public key inside (FIPS 203 §7.3).
    pub fn from_expanded(bytes: &[u8; EXPANDED_LEN]) -> Result<Self, Error> {
        let mut key = Box::new(Secret::zero());
        key.expose_mut().copy_from_slice(bytes);
        let layout = Layout::of(&key);
        if sha::sha3_256(&[layout.vector, layout.rho]).as_slice() == layout.hash {
            Ok(Self::Expanded(key))
        } else {
            Err(Error::InvalidKey)
        }
    }

    /// ρ ‖ SHA3-256(t̂ ‖ ρ), which travels first (spqr.md §5).
    #[must_use]
    pub fn header(&self) -> [u8; HEADER_LEN] {
        self.with_expanded(|key| {
            let layout = Layout::of(key);
            let mut header = [0; HEADER_LEN];
            let (rho, hash) = header.split_at_mut(32);
            rho.copy_from_slice(layout.rho);
            hash.copy_from_slice(layout.hash);
            header
        })
    }

    /// t̂, which travels in chunks.
    #[must_use]
    pub fn vector(&self) -> Box<[u8; VECTOR_LEN]> {
        self.with_expanded(|key| {
            let mut vector = Box::new([0; VECTOR_LEN]);
            vector.copy_from_slice(Layout::of(key).vector);
            vector
        })
    }

    /// The shared secret of both parts of a ciphertext.
    ///
    /// FIPS 203 §7.3 with its implicit rejection: a forged ciphertext gives a secret that no one
    /// knows, and fails at the MAC that is keyed by it.
    #[must_use]
    pub fn decapsulate(&self, ct1: &[u8; CT1_LEN], ct2: &[u8; CT2_LEN]) -> Secret<32> {
        let first = incremental::Ciphertext1 { value: *ct1 };
        let second = incremental::Ciphertext2 { value: *ct2 };
        self.with_expanded(|key| {
            let mut shared = incremental::decapsulate_compressed_key(key.expose(), &first, &second);
            let secret = Secret::new(shared);
            shared.zeroize();
            secret
        })
    }

    fn with_expanded<T>(&self, read: impl FnOnce(&Secret<EXPANDED_LEN>) -> T) -> T {
        match self {
            Self::Seed(seed) => {
                let mut key = Secret::zero();
                incremental::generate_key_pair_compressed(*seed.expose(), key.expose_mut());
                read(&key)
            }
            Self::Expanded(key) => read(key),
        }
    }
}

impl fmt::Debug for DecapsulationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DecapsulationKey(..)")
    }
}

/// The first part of a ciphertext and the shared secret, before the vector is known.
///
/// spqr.md §5, Encaps1: `message` is 32 random bytes and is all that must be kept for the second
/// part.
#[must_use]
pub fn encapsulate1(
    header: &[u8; HEADER_LEN],
    message: &Secret<32>,
) -> (Box<[u8; CT1_LEN]>, Secret<32>) {
    let (ct1, shared, _state) = start(header, message);
    (ct1, shared)
}

/// The second part of a ciphertext; the vector must have passed [`check`].
///
/// spqr.md §5, Encaps2. The state of the first part is computed again from header and message:
/// microseconds of work instead of 2 kB of stored secrets.
#[must_use]
pub fn encapsulate2(
    header: &[u8; HEADER_LEN],
    message: &Secret<32>,
    vector: &[u8; VECTOR_LEN],
) -> [u8; CT2_LEN] {
    let (_ct1, _shared, state) = start(header, message);
    incremental::encapsulate2(state.expose(), vector).value
}

/// Whether the vector is the one that the header names, in canonical encoding.
///
/// spqr.md §5, Check: SHA3-256(t̂ ‖ ρ) = h and every 12-bit coefficient is below 3329. All of it
/// is public, so this need not take constant time.
#[must_use]
pub fn check(header: &[u8; HEADER_LEN], vector: &[u8; VECTOR_LEN]) -> bool {
    let (rho, hash) = header.split_at(32);
    sha::sha3_256(&[vector, rho]).as_slice() == hash && is_canonical(vector)
}

/// FIPS 203 §7.2, modulus check: two coefficients in three bytes, little-endian (§4.2.1).
fn is_canonical(vector: &[u8; VECTOR_LEN]) -> bool {
    let (triples, _) = vector.as_chunks::<3>();
    triples.iter().all(|&[low, middle, high]| {
        let first = u16::from(low) | u16::from(middle & 0x0f) << 8;
        let second = u16::from(middle >> 4) | u16::from(high) << 4;
        first < MODULUS && second < MODULUS
    })
}

/// Runs the first half; the state for the second half is secret.
#[expect(clippy::expect_used, reason = "libcrux checks lengths only, which the types here fix")]
fn start(
    header: &[u8; HEADER_LEN],
    message: &Secret<32>,
) -> (Box<[u8; CT1_LEN]>, Secret<32>, Secret<STATE_LEN>) {
    let mut state = Secret::zero();
    let mut shared = Secret::zero();
    let ct1 = incremental::encapsulate1(
        header,
        *message.expose(),
        state.expose_mut(),
        shared.expose_mut(),
    )
    .expect("header, state and secret have the lengths of ML-KEM-768");
    (Box::new(ct1.value), shared, state)
}

/// The parts of an expanded key (FIPS 203 §7.1, algorithm 16).
struct Layout<'a> {
    vector: &'a [u8],
    rho: &'a [u8],
    hash: &'a [u8],
}

impl<'a> Layout<'a> {
    fn of(key: &'a Secret<EXPANDED_LEN>) -> Self {
        let (_, rest) = key.expose().split_at(VECTOR_LEN);
        let (vector, rest) = rest.split_at(VECTOR_LEN);
        let (rho, rest) = rest.split_at(32);
        let (hash, _) = rest.split_at(32);
        Self { vector, rho, hash }
    }
}

const EXPANDED_LEN: usize = incremental::COMPRESSED_KEYPAIR_LEN;
const STATE_LEN: usize = incremental::encaps_state_len();
const MODULUS: u16 = 3329;

#[cfg(test)]
mod tests;
