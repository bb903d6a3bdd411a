// SPDX-License-Identifier: MIT OR Apache-2.0
//! Secret bytes that are wiped on drop and never printed, compared or copied by accident
//! (docs/architecture.md, "Layers").

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::random::Random;
use e2ee_wire::Error;

/// A key, seed or shared secret of `N` bytes.
///
/// It has none of the traits that would copy, order, hash or print it. A copy is made by name with
/// [`Secret::duplicate`], a comparison by [`Secret::ct_eq`].
pub struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Zeroize for Secret<N> {
    fn zeroize(&mut self) {
        // As a slice it is wiped in words, as an array byte by byte.
        self.0.as_mut_slice().zeroize();
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl<const N: usize> ZeroizeOnDrop for Secret<N> {}

impl<const N: usize> Secret<N> {
    /// Takes ownership of the bytes; wiping the source is the caller's part.
    #[must_use]
    pub const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// Copies the bytes, or returns nothing if the length is not exactly `N`.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Draws exactly `N` bytes.
    pub fn random(random: &mut dyn Random) -> Result<Self, Error> {
        let mut secret = Self::zero();
        random.fill(&mut secret.0)?;
        Ok(secret)
    }

    /// The only way to the bytes; call it in the expression that needs them.
    #[must_use]
    pub const fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// Whether both hold the same bytes, in a time that does not depend on them.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// A second copy, for the few places where a protocol keeps one key in two states.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self(self.0)
    }

    /// The `LEN` bytes that start at `OFFSET`; a range outside of the secret does not compile.
    #[must_use]
    pub fn part<const OFFSET: usize, const LEN: usize>(&self) -> Secret<LEN> {
        const { assert!(OFFSET <= N && LEN <= N - OFFSET) };
        let mut part = Secret::zero();
        for (to, from) in part.0.iter_mut().zip(self.0.iter().skip(OFFSET)) {
            *to = *from;
        }
        part
    }

    /// Each byte, XOR that of `mask`.
    #[must_use]
    pub fn xor(&self, mask: &[u8; N]) -> Self {
        let mut masked = self.duplicate();
        for (to, from) in masked.0.iter_mut().zip(mask) {
            *to ^= from;
        }
        masked
    }

    /// A buffer for a result that is about to be written.
    pub(crate) const fn zero() -> Self {
        Self([0; N])
    }

    /// The buffer itself, for functions that write their result in place.
    pub(crate) const fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl Secret<64> {
    /// The two keys of a 64-byte derivation, in order.
    #[must_use]
    pub fn split(self) -> (Secret<32>, Secret<32>) {
        (self.part::<0, 32>(), self.part::<32, 32>())
    }
}

impl Secret<96> {
    /// The three keys of a 96-byte derivation, in order.
    #[must_use]
    pub fn split(self) -> (Secret<32>, Secret<32>, Secret<32>) {
        (self.part::<0, 32>(), self.part::<32, 32>(), self.part::<64, 32>())
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secret<{N}>(..)")
    }
}

/// Secret bytes whose number varies: a plaintext, or a stored record.
pub struct SecretBytes(Vec<u8>);

impl Zeroize for SecretBytes {
    fn zeroize(&mut self) {
        // As a slice it is wiped in words, as a vector byte by byte.
        self.0.as_mut_slice().zeroize();
        self.0.spare_capacity_mut().zeroize();
        self.0.clear();
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for SecretBytes {}

impl SecretBytes {
    /// Takes ownership; the whole allocation is wiped on drop.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The only way to the bytes; call it in the expression that needs them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The number of bytes, which is not secret.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether these are the same bytes, in a time that depends on the lengths only.
    #[must_use]
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }

    /// The buffer itself, for ciphers that work in place; it must not grow, since that moves it.
    pub(crate) fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// A buffer of `len` bytes to write over; what it held is wiped if it has to move.
    pub fn prepare(&mut self, len: usize) -> &mut [u8] {
        if self.0.capacity() < len {
            self.zeroize();
            self.0 = Vec::with_capacity(len);
        }
        self.0.resize(len, 0);
        &mut self.0
    }

    /// Forgets the end, padding for instance; it is still wiped on drop with the allocation.
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretBytes(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted<const N: usize>() -> Secret<N> {
        Secret::new(core::array::from_fn(|index| index.to_le_bytes()[0]))
    }

    #[test]
    fn debug_shows_the_type_only() {
        assert_eq!("Secret<32>(..)", format!("{:?}", Secret::new([7; 32])));
        assert_eq!("SecretBytes(..)", format!("{:?}", SecretBytes::new(vec![7; 3])));
    }

    #[test]
    fn split_keeps_the_order() {
        let (first, second, third) = counted::<96>().split();

        assert_eq!([0, 32, 64], [first.expose()[0], second.expose()[0], third.expose()[0]]);
        assert_eq!([31, 63, 95], [first.expose()[31], second.expose()[31], third.expose()[31]]);
    }

    #[test]
    fn part_takes_the_named_range() {
        let part = counted::<80>().part::<64, 16>();

        assert_eq!(&core::array::from_fn::<u8, 16, _>(|i| 64 + i.to_le_bytes()[0]), part.expose());
    }

    #[test]
    fn a_slice_of_another_length_is_refused() {
        assert!(Secret::<32>::from_slice(&[0; 31]).is_none());
        assert!(Secret::<32>::from_slice(&[0; 33]).is_none());
        assert!(Secret::<32>::from_slice(&[0; 32]).is_some());
    }

    #[test]
    fn xor_takes_each_byte_with_its_own() {
        let masked = counted::<32>().xor(&[0xf0; 32]);

        assert_eq!([0xf0, 0xf1, 0xef], [0, 1, 31].map(|place: usize| masked.expose()[place]));
    }

    #[test]
    fn ct_eq_sees_one_bit() {
        let mut bytes = [0; 32];
        bytes[31] = 1;

        assert!(!Secret::zero().ct_eq(&Secret::new(bytes)));
        assert!(Secret::new(bytes).ct_eq(&Secret::new(bytes).duplicate()));
    }

    #[test]
    fn wiping_clears_the_bytes() {
        let mut secret = counted::<32>();

        secret.zeroize();

        assert_eq!(&[0; 32], secret.expose());
    }
}
