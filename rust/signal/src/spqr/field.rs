// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arithmetic in GF(2¹⁶), the field of the erasure code (spqr.md §4).
//!
//! An element is a polynomial over GF(2) in the bits of a `u16`, modulo
//! x¹⁶ + x¹² + x³ + x + 1. Addition and subtraction are both exclusive or. The element 2
//! generates all others but 0, so products are sums of logarithms; the tables depend on the
//! operands' values, which are public.

use std::sync::LazyLock;

/// The product of two elements.
#[must_use]
pub fn multiply(left: u16, right: u16) -> u16 {
    if left == 0 || right == 0 { 0 } else { power(log(left) + log(right)) }
}

/// The inverse of an element, and 0 for 0.
#[must_use]
pub fn invert(element: u16) -> u16 {
    if element == 0 { 0 } else { power(ORDER - log(element)) }
}

/// The exponent, below 2¹⁶ − 1, of the power of 2 that an element is; 0 has none and gives 0.
#[must_use]
pub fn log(element: u16) -> u32 {
    TABLES.logs.get(usize::from(element)).copied().map_or(0, u32::from)
}

/// A power of 2.
#[must_use]
pub fn power(exponent: u32) -> u16 {
    let reduced = exponent % ORDER;
    usize::try_from(reduced).ok().and_then(|at| TABLES.powers.get(at)).copied().unwrap_or_default()
}

/// The product of an element and 2.
#[must_use]
pub const fn double(element: u16) -> u16 {
    (element << 1) ^ (REDUCTION & mask(element >> 15))
}

/// All ones if the lowest bit is set, otherwise all zeros.
#[must_use]
pub const fn mask(bit: u16) -> u16 {
    0_u16.wrapping_sub(bit & 1)
}

/// The powers of 2 by exponent, and the exponents by power: made when they are first needed, in a
/// fraction of a millisecond, since compiled in they would be a tenth of what is installed.
struct Tables {
    powers: Box<[u16; ELEMENTS]>,
    logs: Box<[u16; ELEMENTS]>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut tables = Tables { powers: Box::new([0; ELEMENTS]), logs: Box::new([0; ELEMENTS]) };
    fill(&mut tables.powers, &mut tables.logs);
    tables
});

/// The exponents by power, for constants: nothing of it is compiled in.
#[expect(clippy::large_const_arrays, reason = "for constants only, so nothing copies it")]
pub const LOGS: [u16; ELEMENTS] = {
    let (mut powers, mut logs) = ([0; ELEMENTS], [0; ELEMENTS]);
    fill(&mut powers, &mut logs);
    logs
};

#[expect(clippy::indexing_slicing, reason = "both tables have an entry for every element")]
#[expect(clippy::as_conversions, reason = "`From` is not callable in constants; these widen")]
const fn fill(powers: &mut [u16; ELEMENTS], logs: &mut [u16; ELEMENTS]) {
    let (mut exponent, mut element) = (0, 1);
    while exponent < u16::MAX {
        powers[exponent as usize] = element;
        logs[element as usize] = exponent;
        element = double(element);
        exponent += 1;
    }
}

/// How many elements the field has.
const ELEMENTS: usize = 1 << 16;

/// The reduction polynomial without its leading term.
const REDUCTION: u16 = 0x100b;

/// The order of the multiplicative group.
pub const ORDER: u32 = 0xffff;

#[cfg(test)]
mod tests {
    use super::*;

    /// The product by its definition, without tables.
    fn product(left: u16, right: u16) -> u16 {
        (0..16).rev().fold(0, |sum, bit| double(sum) ^ (left & mask(right >> bit)))
    }

    #[test]
    fn two_generates_every_element_but_zero() {
        for element in 1..=u16::MAX {
            assert_eq!(element, power(log(element)));
        }
        assert_eq!(1, power(0));
        assert_eq!(1, power(ORDER));
        assert_eq!(2, power(1 + 3 * ORDER));
    }

    #[test]
    fn every_element_but_zero_has_an_inverse() {
        for element in 1..=u16::MAX {
            assert_eq!(1, product(element, invert(element)));
        }
        assert_eq!(0, invert(0));
    }

    #[test]
    fn products_are_those_of_the_definition() {
        for left in (0..=u16::MAX).step_by(251) {
            for right in (0..=u16::MAX).step_by(257) {
                assert_eq!(product(left, right), multiply(left, right));
            }
        }
    }
}
