// SPDX-License-Identifier: MIT OR Apache-2.0
//! Powers beside those of aws-lc, and numbers that are or only look prime (FIPS 186-5 §B.3.1).

use super::*;
use crate::hkdf;

/// RFC 3526 §3: the safe prime of group 14, 2^2048 − 2^1984 − 1 + 2^64 · ([2^1918 π] + 124476).
const GROUP_14: &str = "\
    ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74\
    020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437\
    4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed\
    ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf05\
    98da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb\
    9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b\
    e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf695581718\
    3995497cea956ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff";

/// Numbered bytes that look random, the same in every run.
struct Numbered(u32);

impl Random for Numbered {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            let bytes = hkdf::derive::<32>(b"", &[b"modp"], &[&self.0.to_be_bytes()]);
            chunk.copy_from_slice(&bytes.expose()[..chunk.len()]);
        }
        Ok(())
    }
}

/// Fails after some draws.
struct Failing(usize);

impl Random for Failing {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.0 = self.0.checked_sub(1).ok_or(Error::RandomUnavailable)?;
        Numbered(9).fill(out)
    }
}

fn group_14() -> Modulus {
    let bytes = U2048::from_be_hex(GROUP_14);
    let mut out = [0; LEN];
    write(&bytes, &mut out);
    Modulus::new(&out).unwrap()
}

fn drawn(number: u32) -> [u8; LEN] {
    *Secret::random(&mut Numbered(number)).unwrap().expose()
}

fn small(number: u64) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    write(&U2048::from_u64(number), &mut bytes);
    bytes
}

fn prime(number: &U2048) -> bool {
    is_prime(number, &mut Numbered(0)).unwrap()
}

/// The power as aws-lc computes it.
#[expect(unsafe_code, reason = "the twin is a C library")]
fn twin(base: &[u8; LEN], exponent: &[u8; LEN], modulus: &[u8; LEN]) -> [u8; LEN] {
    use aws_lc_sys::{BN_CTX_free, BN_CTX_new, BN_bin2bn, BN_bn2bin_padded, BN_free, BN_mod_exp};
    let mut power = [0; LEN];
    // SAFETY: each number is read from, or written to, an array of `LEN` bytes; what is allocated
    // is used by this function alone, and freed once.
    unsafe {
        let read = |bytes: &[u8; LEN]| BN_bin2bn(bytes.as_ptr(), LEN, core::ptr::null_mut());
        let (base, exponent, modulus) = (read(base), read(exponent), read(modulus));
        let context = BN_CTX_new();
        assert_eq!(1, BN_mod_exp(base, base, exponent, modulus, context));
        assert_eq!(1, BN_bn2bin_padded(power.as_mut_ptr(), LEN, base));
        BN_CTX_free(context);
        for number in [base, exponent, modulus] {
            BN_free(number);
        }
    }
    power
}

#[test]
fn powers_are_those_of_the_twin() {
    let prime = group_14();
    let mut odd = drawn(1);
    (odd[0], odd[LEN - 1]) = (0x80, 1);

    for (number, modulus) in [prime, Modulus::new(&odd).unwrap()].into_iter().enumerate() {
        let seed = 100 + 100 * u32::try_from(number).unwrap();
        for (base, exponent) in [
            (drawn(seed), drawn(seed + 50)),
            ([0xff; LEN], [0xff; LEN]),
            (small(3), drawn(seed + 20)),
            (drawn(seed + 20), small(65_537)),
            (small(7), small(0)),
            (small(0), small(5)),
            (modulus.to_bytes(), small(1)),
        ] {
            let power = modulus.pow(&base, &Secret::new(exponent));
            assert_eq!(&twin(&base, &exponent, &modulus.to_bytes()), power.expose());
        }
    }
}

#[test]
fn a_power_that_is_small_is_padded_on_the_left() {
    let power = group_14().pow(&small(2), &Secret::new(small(9)));

    assert_eq!(&small(512), power.expose());
}

#[test]
fn a_modulus_is_odd_and_of_exactly_2048_bits() {
    let mut bytes = group_14().to_bytes();
    bytes[0] = 0x80;
    assert!(Modulus::new(&bytes).is_ok());
    bytes[0] = 0x7f;
    assert_eq!(Err(Error::InvalidKey), Modulus::new(&bytes));
    bytes[0] = 0xff;
    bytes[LEN - 1] = 0xfe;
    assert_eq!(Err(Error::InvalidKey), Modulus::new(&bytes));
}

#[test]
fn small_primes_are_told_from_all_other_numbers() {
    for number in 4..2_000_u64 {
        let expected = (2..number).all(|divisor| !number.is_multiple_of(divisor));
        assert_eq!(expected, prime(&U2048::from_u64(number)), "{number}");
    }
}

#[test]
fn numbers_that_deceive_fixed_bases_are_composite() {
    // Carmichael numbers, and the least strong pseudoprimes to the first primes as bases.
    for number in [561, 41_041, 825_265, 321_197_185, 2_047, 1_373_653, 25_326_001] {
        assert!(!prime(&U2048::from_u64(number)), "{number}");
    }
    for number in [3_215_031_751, 341_550_071_728_321, 3_825_123_056_546_413_051] {
        assert!(!prime(&U2048::from_u64(number)), "{number}");
    }
}

#[test]
fn the_safe_prime_of_a_standard_is_one() {
    assert_eq!(Ok(true), group_14().is_safe_prime(&mut Numbered(0)));
}

#[test]
fn a_product_is_no_prime() {
    let factor = U2048::ONE.shl_vartime(1023).wrapping_add(&U2048::from_u16(1155));
    let mut bytes = [0; LEN];
    write(&factor.wrapping_mul(&factor.wrapping_add(&U2048::ONE.shl_vartime(1022))), &mut bytes);
    bytes[0] |= 0x80;

    assert_eq!(Ok(false), Modulus::new(&bytes).unwrap().is_safe_prime(&mut Numbered(0)));
}

#[test]
fn a_failing_source_says_nothing_about_a_number() {
    for draws in [0, 1, ROUNDS, 2 * ROUNDS - 1] {
        let verdict = group_14().is_safe_prime(&mut Failing(draws));
        assert_eq!(Err(Error::RandomUnavailable), verdict);
    }
}
