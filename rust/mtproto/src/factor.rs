// SPDX-License-Identifier: MIT OR Apache-2.0
//! The two factors of a number that a server sends when a client first asks it for a key
//! (mtproto_secret_chats.md §9).
//!
//! Nothing here is secret. Each step is deterministic, and their number is limited.

use e2ee_wire::Error;

/// Two factors of a product, the smaller one first: its primes, if it has two.
///
/// Pollard's method in Brent's form. [`Error::InvalidArgument`] for 0, 1 and primes.
pub fn factors(product: u64) -> Result<(u64, u64), Error> {
    let factor = trial(product).map_or_else(|| search(product), Ok)?;
    let other = product.checked_div(factor).filter(|other| *other > 1);
    let other = other.ok_or(Error::InvalidArgument)?;
    Ok((factor.min(other), factor.max(other)))
}

/// The least factor, if it is small; 0 and 1 are their own.
fn trial(product: u64) -> Option<u64> {
    if product < 2 {
        return Some(product);
    }
    (2..SMALL).find(|least| product.is_multiple_of(*least))
}

/// A factor of a number that has no small ones.
fn search(product: u64) -> Result<u64, Error> {
    if is_prime(product) {
        return Err(Error::InvalidArgument);
    }
    let root = product.isqrt();
    if root.checked_mul(root) == Some(product) {
        return Ok(root);
    }
    let field = Montgomery::new(product);
    (1..=ATTEMPTS).find_map(|step| field.cycle(step)).ok_or(Error::InvalidArgument)
}

/// Whether a number without small factors is prime: Miller and Rabin's test with bases that decide
/// it for every number of 64 bits (Jaeschke; Sorenson and Webster).
fn is_prime(number: u64) -> bool {
    let even = number.saturating_sub(1);
    let twos = even.trailing_zeros();
    let odd = even >> twos;
    BASES.iter().all(|base| {
        let mut power = power(*base, odd, number);
        let passes = |power: u64| power == even;
        if power == 1 || passes(power) {
            return true;
        }
        (1..twos).any(|_| {
            power = multiply(power, power, number);
            passes(power)
        })
    })
}

fn power(mut base: u64, mut exponent: u64, modulus: u64) -> u64 {
    let mut power = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = multiply(power, base, modulus);
        }
        base = multiply(base, base, modulus);
        exponent >>= 1;
    }
    power
}

fn multiply(left: u64, right: u64, modulus: u64) -> u64 {
    low((u128::from(left) * u128::from(right)) % u128::from(modulus))
}

/// Numbers modulo an odd one, in Montgomery's form, which needs no division.
struct Montgomery {
    modulus: u64,
    /// The inverse of the modulus, modulo 2⁶⁴.
    inverse: u64,
}

impl Montgomery {
    fn new(modulus: u64) -> Self {
        // Each of Newton's steps doubles the bits that are right, of which the first three are.
        let inverse = (0..5).fold(modulus, |inverse, _| {
            inverse.wrapping_mul(2_u64.wrapping_sub(modulus.wrapping_mul(inverse)))
        });
        Self { modulus, inverse }
    }

    fn multiply(&self, left: u64, right: u64) -> u64 {
        let product = u128::from(left) * u128::from(right);
        let quotient = low(product).wrapping_mul(self.inverse);
        let above = low((u128::from(quotient) * u128::from(self.modulus)) >> 64);
        let (difference, borrowed) = low(product >> 64).overflowing_sub(above);
        if borrowed { difference.wrapping_add(self.modulus) } else { difference }
    }

    /// The next of the numbers x² + step.
    fn next(&self, at: u64, step: u64) -> u64 {
        let (sum, carried) = self.multiply(at, at).overflowing_add(step);
        if carried || sum >= self.modulus { sum.wrapping_sub(self.modulus) } else { sum }
    }

    /// Follows those numbers until two of them are the same modulo a factor.
    fn cycle(&self, step: u64) -> Option<u64> {
        let mut at = step;
        for length in (0..LONGEST).map(|bit| 1_u64 << bit) {
            let turn = at;
            let mut done = 0;
            while done < length {
                let start = at;
                let mut product = 1;
                for _ in 0..TOGETHER {
                    at = self.next(at, step);
                    product = self.multiply(product, at.abs_diff(turn));
                }
                done = done.saturating_add(TOGETHER);
                match common(product, self.modulus) {
                    1 => {}
                    factor if factor < self.modulus => return Some(factor),
                    // Several at once: look at each of them.
                    _ => return self.each(start, turn, step),
                }
            }
        }
        None
    }

    fn each(&self, mut at: u64, turn: u64, step: u64) -> Option<u64> {
        let found = (0..TOGETHER).find_map(|_| {
            at = self.next(at, step);
            Some(common(at.abs_diff(turn), self.modulus)).filter(|factor| *factor > 1)
        });
        found.filter(|factor| *factor < self.modulus)
    }
}

/// The greatest common divisor; that of 0 and a number is the number.
fn common(mut left: u64, mut right: u64) -> u64 {
    while let Some(rest) = right.checked_rem(left) {
        (left, right) = (rest, left);
    }
    right
}

fn low(number: u128) -> u64 {
    u64::try_from(number & u128::from(u64::MAX)).unwrap_or_default()
}

/// Factors below this one are tried one after the other.
const SMALL: u64 = 256;
const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
/// Steps between two divisors.
const TOGETHER: u64 = 128;
/// The factor is below 2³², so that some 2¹⁶ steps find it; this allows for 2²⁰ of them.
const LONGEST: u32 = 20;
/// Step widths that are tried; one in many finds both factors at once.
const ATTEMPTS: u64 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_small_number_has_its_least_factor_or_is_refused() {
        for number in 0..70_000 {
            let least = (2..=number).find(|least| number % least == 0);
            let expected = least.filter(|least| *least < number);
            let expected = expected.map(|least| (least, number / least));

            // Above the small factors, any of them may be found first.
            let found = factors(number).ok();
            assert_eq!(expected.is_some(), found.is_some(), "{number}");
            if let Some((p, q)) = found {
                assert!(p > 1 && p <= q && p * q == number, "{number} is not {p} times {q}");
            }
        }
    }

    #[test]
    fn products_of_neighbouring_primes_are_found_up_to_the_last() {
        let mut primes = vec![4_294_967_291_u64];
        while primes.len() < 40 {
            let below = (2..*primes.last().unwrap()).rev().find(|each| naive(*each));
            primes.push(below.unwrap());
        }
        for pair in primes.windows(2) {
            assert_eq!(Ok((pair[1], pair[0])), factors(pair[0] * pair[1]));
            assert_eq!(Ok((pair[1], pair[1])), factors(pair[1] * pair[1]));
        }
    }

    fn naive(number: u64) -> bool {
        (2..=number.isqrt()).all(|each| !number.is_multiple_of(each))
    }

    #[test]
    fn numbers_of_both_sizes_are_factored() {
        // Products of a short and a long prime, and powers.
        for (p, q) in [(257, 257 * 257), (65_537, 281_470_681_743_349), (3, 3)] {
            assert_eq!(p * q, factors(p * q).map(|(p, q)| p * q).unwrap());
        }
        assert_eq!(Ok((2, 1 << 62)), factors(1 << 63));
        // The example of Telegram's own documents.
        assert_eq!(Ok((0x494c_553b, 0x5391_1073)), factors(0x17ed_4894_1a08_f981));
    }

    #[test]
    fn primes_and_less_are_refused() {
        for number in [0, 1, 2, 3, 13, 251, 257, 4_294_967_291, (1 << 61) - 1, u64::MAX - 58] {
            assert_eq!(Err(Error::InvalidArgument), factors(number), "{number}");
        }
    }

    #[test]
    fn numbers_that_fool_a_test_of_few_bases_are_composite() {
        for number in [3_215_031_751, 3_825_123_056_546_413_051, 341_550_071_728_321] {
            assert!(factors(number).is_ok(), "{number}");
        }
    }
}
