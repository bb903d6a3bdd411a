// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exponentiation modulo numbers of 2,048 bits, and whether such a number is a safe prime, for
//! Telegram (mtproto_secret_chats.md §1). All integers are big-endian.
//!
//! The arithmetic is `crypto-bigint`'s: without C and without a branch on an exponent, at about
//! two and a half times the time of aws-lc, which is milliseconds a chat.

use crypto_bigint::{
    NonZero, Odd, U2048, Word,
    modular::{FixedMontyForm, FixedMontyParams},
};
use zeroize::Zeroizing;

use crate::random::Random;
use crate::secret::Secret;
use e2ee_wire::Error;

/// Bytes of a modulus, a base, an exponent and a power.
pub const LEN: usize = 256;
/// Rounds of the Miller-Rabin test: a number chosen to deceive passes all with 2⁻⁶⁴ at the most.
///
/// Unlike the specification, which asks for at least 15: a new modulus is rarer than a new phone.
pub const ROUNDS: usize = 32;

type Params = FixedMontyParams<{ U2048::LIMBS }>;
type Residue = FixedMontyForm<{ U2048::LIMBS }>;

/// An odd number of exactly 2,048 bits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Modulus(Odd<U2048>);

impl Modulus {
    /// [`Error::InvalidKey`] for an even or a smaller number.
    pub fn new(bytes: &[u8; LEN]) -> Result<Self, Error> {
        let number = U2048::from_be_slice(bytes);
        let odd = Odd::new(number).into_option().ok_or(Error::InvalidKey)?;
        if number.bit_width_vartime() == U2048::BITS {
            Ok(Self(odd))
        } else {
            Err(Error::InvalidKey)
        }
    }

    /// The number, big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        write(&self.0, &mut bytes);
        bytes
    }

    /// `base` to the power of `exponent`, in a time that depends on neither.
    ///
    /// All 2,048 bits of the exponent are gone through, and each power of the table is read for
    /// each of them. The numbers that are held here are wiped; what the arithmetic leaves on the
    /// stack is out of reach.
    #[must_use]
    pub fn pow(&self, base: &[u8; LEN], exponent: &Secret<LEN>) -> Secret<LEN> {
        let exponent = Zeroizing::new(U2048::from_be_slice(exponent.expose()));
        let residue = Residue::new(&U2048::from_be_slice(base), &Params::new_vartime(self.0));
        let residue = Zeroizing::new(residue.pow(&exponent));
        let power = Zeroizing::new(residue.retrieve());
        let mut bytes = Secret::zero();
        write(&power, bytes.expose_mut());
        bytes
    }

    /// Whether the number and half of the number before it are primes, which is public.
    ///
    /// Draws 512 bytes for each of at most 2 × [`ROUNDS`] bases of the Miller-Rabin test.
    pub fn is_safe_prime(&self, random: &mut dyn Random) -> Result<bool, Error> {
        Ok(is_prime(&self.0, random)? && is_prime(&self.0.shr_vartime(1), random)?)
    }
}

/// Writes a number big-endian, without a copy of it elsewhere.
fn write(number: &U2048, bytes: &mut [u8; LEN]) {
    let places = bytes.rchunks_exact_mut(size_of::<Word>());
    for (place, word) in places.zip(number.as_words()) {
        place.copy_from_slice(&word.to_be_bytes());
    }
}

/// Whether a public number above 4 passes the Miller-Rabin test with random bases.
///
/// FIPS 186-5 §B.3.1: 2 ≤ base ≤ number − 2. A base of 4,096 random bits is reduced to that range,
/// so that none is likelier than another by more than 2⁻²⁰⁴⁸.
fn is_prime(number: &U2048, random: &mut dyn Random) -> Result<bool, Error> {
    let Some(odd) = Odd::new(*number).into_option() else { return Ok(false) };
    let bases = number.wrapping_sub(&U2048::from_u8(3));
    let Some(bases) = NonZero::new(bases).into_option() else { return Ok(false) };
    let params = Params::new_vartime(odd);
    for _ in 0..ROUNDS {
        let mut drawn = [[0; LEN]; 2];
        random.fill(drawn.as_flattened_mut())?;
        let wide = drawn.map(|half| U2048::from_be_slice(&half));
        let base = U2048::rem_wide_vartime(wide.into(), &bases).wrapping_add(&U2048::from_u8(2));
        if !passes(&base, &params) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// One round: with `number − 1 = 2^twos · odd`, a prime gives 1 for the base to the power of `odd`,
/// or −1 for that or one of its first `twos − 1` squares.
fn passes(base: &U2048, params: &Params) -> bool {
    let before = params.modulus().wrapping_sub(&U2048::ONE);
    let twos = before.trailing_zeros_vartime();
    let one = Residue::one(params);
    let mut power = Residue::new(base, params).pow_vartime(&before.shr_vartime(twos));
    if power == one {
        return true;
    }
    for _ in 0..twos {
        if power == -one {
            return true;
        }
        power = power.square();
    }
    false
}

#[cfg(test)]
mod tests;
