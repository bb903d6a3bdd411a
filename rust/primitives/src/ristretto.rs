// SPDX-License-Identifier: MIT OR Apache-2.0
//! The group ristretto255 (RFC 9496), for hashes of usernames (signal.md §14.2).

use curve25519_dalek::{RistrettoPoint, Scalar, ristretto::CompressedRistretto, traits::Identity};
use e2ee_wire::Error;

/// A scalar of 64 little-endian bytes, which is reduced modulo the group's order, and the encoded
/// point that it multiplies.
pub type Term<'a> = (&'a [u8; 64], &'a [u8; 32]);

/// The encoding of the sum of all points, each times its scalar.
///
/// [`Error::InvalidKey`] for bytes that encode no point (RFC 9496 §4.3.1). The time does not depend
/// on the scalars.
pub fn weighted_sum(terms: &[Term<'_>]) -> Result<[u8; 32], Error> {
    let mut sum = RistrettoPoint::identity();
    for (scalar, point) in terms {
        let point = CompressedRistretto(**point).decompress().ok_or(Error::InvalidKey)?;
        sum += point * Scalar::from_bytes_mod_order_wide(scalar);
    }
    Ok(sum.compress().to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9496 §A.1: the generator and twice the generator.
    const GENERATOR: [u8; 32] = [
        0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51,
        0x5f, 0x58, 0xe3, 0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d,
        0x2d, 0x76,
    ];
    const TWICE: [u8; 32] = [
        0x6a, 0x49, 0x32, 0x10, 0xf7, 0x49, 0x9c, 0xd1, 0x7f, 0xec, 0xb5, 0x10, 0xae, 0x0c, 0xea,
        0x23, 0xa1, 0x10, 0xe8, 0xd5, 0xb9, 0x01, 0xf8, 0xac, 0xad, 0xd3, 0x09, 0x5c, 0x73, 0xa3,
        0xb9, 0x19,
    ];

    fn small(number: u8) -> [u8; 64] {
        let mut scalar = [0; 64];
        scalar[0] = number;
        scalar
    }

    #[test]
    fn small_multiples_are_those_of_the_standard() {
        assert_eq!(Ok([0; 32]), weighted_sum(&[]));
        assert_eq!(Ok(GENERATOR), weighted_sum(&[(&small(1), &GENERATOR)]));
        assert_eq!(Ok(TWICE), weighted_sum(&[(&small(2), &GENERATOR)]));
        let halves = [(&small(1), &GENERATOR), (&small(1), &GENERATOR)];
        assert_eq!(Ok(TWICE), weighted_sum(&halves));
    }

    #[test]
    fn bytes_that_encode_no_point_are_refused() {
        // RFC 9496 §A.3: not canonical, and negative.
        for bad in [[0xff; 32], small(1)[..32].try_into().unwrap()] {
            assert_eq!(Err(Error::InvalidKey), weighted_sum(&[(&small(1), &bad)]));
        }
    }
}
