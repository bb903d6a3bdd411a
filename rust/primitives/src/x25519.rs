// SPDX-License-Identifier: MIT OR Apache-2.0
//! X25519 keys and agreement (RFC 7748 §5, signal.md §2.1), computed by aws-lc.
//!
//! The portable twin is `curve25519-dalek`; the tests compare the two on random, low-order and
//! non-canonical points.

use core::fmt;
use std::sync::OnceLock;

use crate::random::Random;
use crate::secret::Secret;
use e2ee_wire::Error;

/// A public u-coordinate as it travels, 32 bytes; any bytes are one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Takes the bytes as they are: X25519 is defined on all of them.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes as they travel.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether the key is the one encoding of a point in the prime-order subgroup.
    ///
    /// signal.md §2.1: u < 2^255 − 19, top bit clear, and the Edwards point with sign 0 exists and
    /// has no torsion. A point of low order is therefore not canonical.
    ///
    /// The multiple of P by 5ℓ − 1 has the same u as P if 5ℓ or 5ℓ − 2 times P is neutral. On the
    /// curve, of order 8ℓ, the first holds just for points without torsion, the second for none;
    /// both numbers are coprime to the order of the twist. Zero stands for the neutral point too.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        let multiple = multiply(&Secret::new(TORSION_TEST), self);
        self.is_reduced() && self.0 != [0; 32] && *multiple.expose() == self.0
    }

    /// Whether the key is written in its one form: below p = 2^255 − 19, the top bit clear.
    ///
    /// X25519 itself ignores the difference (RFC 7748 §5).
    #[must_use]
    pub fn is_reduced(&self) -> bool {
        let [low, middle @ .., high] = &self.0;
        let at_least_p = *high == 0x7f && *low >= 0xed && middle.iter().all(|byte| *byte == 0xff);
        *high <= 0x7f && !at_least_p
    }
}

/// A clamped scalar with its public half, which is computed once when the key is made.
pub struct PrivateKey {
    secret: Secret<32>,
    public: PublicKey,
    /// The public half as signatures have it, from the first signature on.
    edwards_public: OnceLock<Box<[u8; 32]>>,
}

impl PrivateKey {
    /// Draws exactly 32 bytes and clamps them.
    pub fn random(random: &mut dyn Random) -> Result<Self, Error> {
        Ok(Self::from_secret(Secret::random(random)?))
    }

    /// Clamps the bytes and computes the public half (signal.md §2.1).
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self::from_secret(Secret::new(*bytes))
    }

    /// Joins the two halves of a stored key pair without computing anything.
    ///
    /// The public half must be the one that belongs to the secret: a state that was sealed by us.
    #[must_use]
    pub fn from_parts(mut secret: Secret<32>, public: PublicKey) -> Self {
        clamp(secret.expose_mut());
        Self { secret, public, edwards_public: OnceLock::new() }
    }

    /// A second copy, for a key that lives in two states.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        let edwards_public = OnceLock::new();
        Self { secret: self.secret.duplicate(), public: self.public, edwards_public }
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The clamped scalar, for sealing into a stored state.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.secret.expose()
    }

    /// The public point A of signatures with its sign, compressed: `compute` gives it once.
    pub(crate) fn edwards_public(&self, compute: impl FnOnce() -> [u8; 32]) -> &[u8; 32] {
        self.edwards_public.get_or_init(|| Box::new(compute()))
    }

    /// The shared secret with a peer's key; an all-zero one is refused (signal.md §1).
    ///
    /// Zero means that their key is of low order. The bytes are compared without branching on
    /// any of them; only the verdict, which is public, decides.
    pub fn agree(&self, their_key: &PublicKey) -> Result<Secret<32>, Error> {
        let shared = multiply(&self.secret, their_key);
        if shared.ct_eq(&Secret::zero()) { Err(Error::InvalidKey) } else { Ok(shared) }
    }

    fn from_secret(mut secret: Secret<32>) -> Self {
        clamp(secret.expose_mut());
        let public = multiply_base(&secret);
        Self { secret, public, edwards_public: OnceLock::new() }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PrivateKey(..)")
    }
}

/// RFC 7748 §5: a multiple of the cofactor with the highest bit at a fixed place.
const fn clamp(scalar: &mut [u8; 32]) {
    scalar[0] &= 0b1111_1000;
    scalar[31] &= 0b0111_1111;
    scalar[31] |= 0b0100_0000;
}

#[expect(unsafe_code, reason = "aws-lc writes the shared secret straight into our wiped buffer")]
fn multiply(secret: &Secret<32>, their_key: &PublicKey) -> Secret<32> {
    let mut shared = Secret::<32>::zero();
    // SAFETY: X25519 reads 32 bytes at each of the two inputs and writes 32 bytes at the output;
    // the array types of this function's arguments and of `shared` uphold all three, and `shared`
    // is exclusively ours.
    let _nonzero = unsafe {
        aws_lc_sys::X25519(
            shared.expose_mut().as_mut_ptr(),
            secret.expose().as_ptr(),
            their_key.0.as_ptr(),
        )
    };
    shared
}

#[expect(unsafe_code, reason = "the fastest fixed-base multiplication, three times dalek's")]
fn multiply_base(secret: &Secret<32>) -> PublicKey {
    let mut public = [0; 32];
    // SAFETY: X25519_public_from_private reads 32 bytes at its input and writes 32 bytes at its
    // output; both are arrays of that length, and `public` is exclusively ours.
    unsafe {
        aws_lc_sys::X25519_public_from_private(public.as_mut_ptr(), secret.expose().as_ptr());
    }
    PublicKey(public)
}

/// 5ℓ − 1, with the order ℓ of the prime subgroup (RFC 7748 §4.1): a multiple of 8 with the highest
/// bit in its place, so that clamping leaves it as it is.
const TORSION_TEST: [u8; 32] = [
    0xa0, 0x23, 0xcd, 0xd0, 0x83, 0xef, 0x5b, 0xb8, 0x2f, 0x10, 0xd6, 0x2e, 0x59, 0xe1, 0x5a, 0x68,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x50,
];

#[cfg(test)]
mod tests;
