// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sizes of files in steps of five per cent, so that a blob says little about its file
//! (signal.md §13).

/// The least padded size.
const LEAST: u64 = 541;
/// Bits behind the point of the powers of 1.05.
const FRACTION_BITS: u32 = 90;

/// max(541, floor(1.05 ^ ceil(log₁.₀₅ size))): the size of a file with the zeros behind it.
///
/// The powers are computed in integers, so that all machines agree. A power is never whole, so the
/// first power that is not below the size is the one that the formula means. 33 bits before the
/// point, 90 behind it and the factor 21 fit in 128; the error of 455 steps stays below 2⁻⁴⁰, far
/// less than the distance of any power from the next whole number.
#[must_use]
pub fn padded_len(size: u32) -> u64 {
    let least = u64::from(size).max(LEAST);
    let mut power = 1_u128 << FRACTION_BITS;
    let mut whole = 1;
    while whole < least {
        power = power * 21 / 20;
        whole = u64::try_from(power >> FRACTION_BITS).unwrap_or(u64::MAX);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    /// floor(1.05 ^ exponent) for every exponent until 2³² is passed: 21^k / 20^k in decimal digits,
    /// by long multiplication and division, without rounding anywhere.
    fn exact_powers() -> Vec<u64> {
        let (mut numerator, mut shift) = (vec![1_u32], 0_usize);
        let mut powers = Vec::new();
        loop {
            // 21^k / 20^k = 105^k / 100^k: the whole part is what stands before 2k decimal digits.
            let digits: String = numerator.iter().rev().map(ToString::to_string).collect();
            let whole: u64 = digits[..digits.len() - shift].parse().unwrap();
            powers.push(whole);
            if whole > u64::from(u32::MAX) {
                return powers;
            }
            let mut carry = 0;
            for digit in &mut numerator {
                let product = *digit * 105 + carry;
                *digit = product % 10;
                carry = product / 10;
            }
            while carry > 0 {
                numerator.push(carry % 10);
                carry /= 10;
            }
            shift += 2;
        }
    }

    #[test]
    fn each_size_goes_to_the_next_power() {
        let powers = exact_powers();
        assert_eq!(456, powers.len());

        for pair in powers.windows(2).filter(|pair| pair[0] >= LEAST) {
            let expect = |size: u64, padded| {
                if let Ok(size) = u32::try_from(size) {
                    assert_eq!(padded, padded_len(size), "{size}");
                }
            };
            expect(pair[0], pair[0]);
            expect(pair[0] + 1, pair[1]);
            expect(pair[1] - 1, pair[1]);
            expect(pair[1], pair[1]);
        }
    }

    #[test]
    fn small_files_are_all_alike_and_the_largest_fits() {
        for size in [0, 1, 2, 540, 541] {
            assert_eq!(541, padded_len(size));
        }
        assert_eq!(568, padded_len(542));
        assert_eq!(4_376_541_760, padded_len(u32::MAX));
    }
}
