// SPDX-License-Identifier: MIT OR Apache-2.0
//! Multiples of a point that many signatures are verified under (RFC 8032 §5.1.7): with them the
//! 253 doublings of a verification are 32, and it takes a quarter less time.
//!
//! A scalar is cut into eight lanes of 32 bits, and the sum over the lanes is that of the scalar as
//! an integer: on every point of the curve, torsion or not, the result is the same. Everything here
//! depends on public values alone, and takes a time that depends on them.

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;

const LANES: usize = 8;
/// Signed digits of a lane: one more than its bits, for the carry.
const DIGITS: usize = 33;

/// Of the point times 2^(32·lane), for each lane, the odd multiples below 2^(width − 1).
#[derive(Debug)]
pub struct Multiples {
    lanes: [Vec<EdwardsPoint>; LANES],
    width: u32,
}

impl Multiples {
    /// Computes 8 · 2^(width − 2) multiples.
    pub fn new(point: &EdwardsPoint, width: u32) -> Self {
        let mut lane = *point;
        let lanes = core::array::from_fn(|_| {
            let odd = odd_multiples(&lane, width);
            for _ in 0..32 {
                lane = lane + lane;
            }
            odd
        });
        Self { lanes, width }
    }
}

/// The sum of both points times their scalars.
pub fn sum(parts: [(&Multiples, &Scalar); 2]) -> EdwardsPoint {
    let lanes = parts.map(|(multiples, scalar)| {
        let digits = scalar_digits(scalar, multiples.width);
        core::array::from_fn::<_, LANES, _>(|lane| {
            (digits.get(lane).copied().unwrap_or([0; DIGITS]), multiples.lanes.get(lane))
        })
    });
    let mut total = EdwardsPoint::identity();
    for position in (0..DIGITS).rev() {
        if position + 1 < DIGITS {
            total = total + total;
        }
        for (digits, odd) in lanes.as_flattened() {
            let digit = digits.get(position).copied().unwrap_or(0);
            let place = usize::from(digit.unsigned_abs() / 2);
            let multiple = odd.and_then(|odd| odd.get(place)).filter(|_| digit != 0);
            if let Some(multiple) = multiple {
                total = if digit > 0 { total + multiple } else { total - multiple };
            }
        }
    }
    total
}

fn odd_multiples(point: &EdwardsPoint, width: u32) -> Vec<EdwardsPoint> {
    let double = point + point;
    core::iter::successors(Some(*point), |odd| Some(odd + double)).take(1 << (width - 2)).collect()
}

fn scalar_digits(scalar: &Scalar, width: u32) -> [[i16; DIGITS]; LANES] {
    let bytes = scalar.as_bytes();
    let (lanes, _) = bytes.as_chunks::<4>();
    let mut lanes = lanes.iter().map(|lane| lane_digits(u32::from_le_bytes(*lane), width));
    core::array::from_fn(|_| lanes.next().unwrap_or([0; DIGITS]))
}

/// The lane in digits that are 0, or odd and below 2^(width − 1) in size.
fn lane_digits(lane: u32, width: u32) -> [i16; DIGITS] {
    let modulus = 1_i64 << width;
    let mut rest = i64::from(lane);
    core::array::from_fn(|_| {
        let mut digit = 0;
        if rest & 1 == 1 {
            digit = rest & (modulus - 1);
            if digit >= modulus / 2 {
                digit -= modulus;
            }
        }
        rest = (rest - digit) >> 1;
        // Widths are at most 8, so that a digit fits.
        i16::try_from(digit).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};

    use super::*;
    use crate::xeddsa;

    #[test]
    fn digits_sum_up_to_their_lane() {
        for width in [2, 6, 8] {
            for lane in [0, 1, 2, 31, 32, 33, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, u32::MAX] {
                let digits = lane_digits(lane, width);
                let sum: i64 = digits
                    .iter()
                    .enumerate()
                    .map(|(position, digit)| i64::from(*digit) << position)
                    .sum();
                assert_eq!(i64::from(lane), sum, "{lane} {width}");
                assert!(digits.iter().all(|digit| digit.unsigned_abs() < 1 << (width - 1)));
            }
        }
    }

    #[test]
    fn the_sum_is_that_of_the_library_on_every_kind_of_point() {
        let base = Multiples::new(&ED25519_BASEPOINT_POINT, 8);
        let scalars = (0..20_u8).map(|case| *xeddsa::hash(&[&[case]], &[], &[]));
        let edges = [Scalar::ZERO, Scalar::ONE, -Scalar::ONE];
        let scalars: Vec<_> = scalars.chain(edges).collect();
        for (case, torsion) in EIGHT_TORSION.iter().enumerate() {
            let point = EdwardsPoint::mul_base(&scalars[case]) + torsion;
            let multiples = Multiples::new(&point, 6);
            for (number, one) in scalars.iter().enumerate() {
                let other = &scalars[(number + case) % scalars.len()];
                let expected =
                    EdwardsPoint::vartime_double_scalar_mul_basepoint(one, &point, other);

                let sum = sum([(&multiples, one), (&base, other)]);

                assert_eq!(expected.compress(), sum.compress(), "{case} {number}");
            }
        }
    }
}
