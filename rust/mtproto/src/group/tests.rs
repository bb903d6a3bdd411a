// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every check of a group and of a public value, and what each of them refuses
//! (mtproto_secret_chats.md §1).

use super::*;
use crate::scripted::{Failing, Never, Numbered};

/// RFC 3526 §3: the safe prime of group 14. Other remainders than today's prime of Telegram.
const GROUP_14: &str = "\
    ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74\
    020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437\
    4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed\
    ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf05\
    98da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb\
    9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b\
    e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf695581718\
    3995497cea956ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff";

/// A safe prime of which 5 and 7 are no squares.
const MADE: &str = "\
    ea91d124c35e115e9ca1a001d8fb12e06467cea20476c8c8e70e343a1e1beff9\
    1d54cc3cd4f797950cf0e09d839f06daac0fddfb5cb1b1e753a0667e2eff688f\
    b1f1f0400c9bfcc0c3824520d33fb7ef4546dfbc3dfd2bbf9ad15d1ad96da4e0\
    1f8ba90edf13d4311ad0f0c96dc1cb20d03205501ae1769d94595bccc4104273\
    1cc335390742e2ef36e6b37e0b58bb06b2e09965b2f0ecd28a199e37067a2276\
    590507d1302918c1e30d7b092347db0a367f217fb7794b81d5b3e5b95872c675\
    8887a4585aa83ef7a68c9fb1bb77148a1e8ee1a549e56abc4c44ce2f634e9f70\
    c3970a1d210957af8c7d8c47a5a3268768255e6cd593e9df17669bc6b3e56267";

fn unhex(digits: &str) -> [u8; LEN] {
    core::array::from_fn(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
}

fn checked(g: i32, p: &[u8]) -> Result<Group, Error> {
    Group::new(g, p, &mut Numbered(0))
}

fn known() -> Group {
    Group::new(3, &KNOWN_PRIME, &mut Never).unwrap()
}

fn plus(number: &[u8; LEN], added: i16) -> [u8; LEN] {
    let (mut sum, mut carry) = (*number, added);
    for byte in sum.iter_mut().rev() {
        carry += i16::from(*byte);
        *byte = u8::try_from(carry.rem_euclid(256)).unwrap();
        carry = carry.div_euclid(256);
    }
    sum
}

/// 2^1984.
fn lowest() -> [u8; LEN] {
    core::array::from_fn(|place| u8::from(place == 7))
}

#[test]
fn todays_prime_is_taken_without_a_draw_and_passes_the_tests_it_is_spared() {
    let group = known();

    assert_eq!((3, KNOWN_PRIME), (group.generator(), group.prime()));
    assert_eq!(Ok(true), group.modulus().is_safe_prime(&mut Numbered(7)));
}

#[test]
fn another_safe_prime_is_taken_after_the_tests() {
    assert_eq!(Ok(unhex(GROUP_14)), checked(2, &unhex(GROUP_14)).map(|group| group.prime()));
    let refused = Group::new(2, &unhex(GROUP_14), &mut Failing);
    assert_eq!(Err(Error::RandomUnavailable), refused);
}

#[test]
fn each_generator_is_taken_if_it_is_a_square_only() {
    let (standard, made) = (unhex(GROUP_14), unhex(MADE));
    // The remainders modulo 8, 3, 5, 24 and 7.
    for (prime, remainders, squares) in [
        (&KNOWN_PRIME, [3, 2, 3, 11, 6], [3, 4, 7].as_slice()),
        (&standard, [7, 2, 4, 23, 5], &[2, 3, 4, 5, 6, 7]),
        (&made, [7, 2, 2, 23, 4], &[2, 3, 4, 6]),
    ] {
        let found = [
            modulo::<8>(prime),
            modulo::<3>(prime),
            modulo::<5>(prime),
            modulo::<24>(prime),
            modulo::<7>(prime),
        ];
        assert_eq!(remainders, found);
        for g in 2..=7 {
            let verdict = Group::unproved(g, prime);
            let expected = if squares.contains(&g) { Ok(g) } else { Err(Error::InvalidKey) };
            assert_eq!(expected, verdict.map(|group| group.generator()), "{remainders:?}");
        }
    }
}

#[test]
fn a_wrong_generator_of_a_good_prime_is_refused_before_anything_is_drawn() {
    for g in [2, 5, 6] {
        assert_eq!(Err(Error::InvalidKey), Group::new(g, &KNOWN_PRIME, &mut Never));
    }
    for g in [5, 7] {
        assert_eq!(Err(Error::InvalidKey), Group::new(g, &unhex(MADE), &mut Never));
    }
}

#[test]
fn the_table_says_of_every_small_safe_prime_which_generators_are_squares() {
    let is_prime = |number: u32| (2..number).all(|divisor| !number.is_multiple_of(divisor));
    let mut primes = 0;
    for prime in (11..3_000_u32).filter(|number| is_prime(*number) && is_prime(number / 2)) {
        let mut bytes = [0; LEN];
        bytes[LEN - 4..].copy_from_slice(&prime.to_be_bytes());
        for generator in 2..=7_u8 {
            let square = (1..prime).any(|root| root * root % prime == u32::from(generator));
            assert_eq!(square, generates_squares(generator, &bytes), "{generator} and {prime}");
        }
        primes += 1;
    }
    assert_eq!(48, primes);
}

#[test]
fn generators_out_of_the_table_are_refused() {
    for g in [i32::MIN, -3, -1, 0, 1, 8, 9, 11, 255, 256, 259, i32::MAX] {
        assert_eq!(Err(Error::InvalidKey), Group::new(g, &KNOWN_PRIME, &mut Never), "{g}");
    }
}

#[test]
fn a_prime_of_another_length_is_refused() {
    let longer = [&[1], KNOWN_PRIME.as_slice()].concat();
    let padded = [&[0], KNOWN_PRIME.as_slice()].concat();
    let mut shorter = KNOWN_PRIME;
    shorter[0] &= 0x7f;

    for p in [&longer, &padded, shorter.as_slice(), &KNOWN_PRIME[1..], &[]] {
        assert_eq!(Err(Error::InvalidKey), Group::new(3, p, &mut Never));
        assert_eq!(Err(Error::InvalidKey), Group::new(4, p, &mut Never));
    }
}

#[test]
fn numbers_that_are_no_safe_prime_are_refused() {
    // A multiple of 5, and of nothing that the table of generators looks at for 4.
    let composite = plus(&KNOWN_PRIME, 2);
    assert_eq!(Err(Error::InvalidKey), checked(4, &composite));
    // The prime below 2^2048, half of which is none.
    let prime = plus(&[0xff; LEN], 1 - 1_557);
    assert_eq!(Err(Error::InvalidKey), checked(4, &prime));
    // An even one.
    assert_eq!(Err(Error::InvalidKey), checked(4, &plus(&KNOWN_PRIME, 1)));
}

#[test]
fn public_values_are_taken_from_both_ends_of_the_range_on() {
    let group = known();
    let highest = group.highest();
    let mut sum = highest;
    sum[7] = sum[7].checked_add(1).unwrap();
    assert_eq!(KNOWN_PRIME, sum);

    for value in [lowest(), plus(&lowest(), 1), plus(&highest, -1), highest] {
        assert_eq!(Ok(value), group.public_value(&value).map(|value| *value.as_bytes()));
    }
    for value in [plus(&lowest(), -1), plus(&highest, 1)] {
        assert_eq!(Err(Error::InvalidKey), group.public_value(&value));
    }
}

#[test]
fn trivial_and_oversized_public_values_are_refused() {
    let group = known();
    let small = |number| plus(&[0; LEN], number);
    for value in [small(0), small(1), small(2), plus(&KNOWN_PRIME, -1), KNOWN_PRIME, [0xff; LEN]] {
        assert_eq!(Err(Error::InvalidKey), group.public_value(&value));
    }
    let long = [&[0], lowest().as_slice()].concat();
    for value in [&[][..], &[1], &long, &[7; 300]] {
        assert_eq!(Err(Error::InvalidKey), group.public_value(value));
    }
}

#[test]
fn a_public_value_without_its_zeros_is_the_same() {
    let group = known();

    let value = group.public_value(&lowest()[7..]).unwrap();

    assert_eq!(&lowest(), value.as_bytes());
    assert_eq!(&lowest()[7..], value.as_sent());
    assert_eq!(group.highest(), group.public_value(&group.highest()).unwrap().as_sent());
}

#[test]
fn a_stored_group_reads_back_and_a_damaged_one_does_not() {
    let mut stored = Vec::new();
    known().encode(&mut stored);
    assert_eq!(Group::STORED_LEN, stored.len());
    assert_eq!(Ok(known()), Group::decode(&mut RecordReader::new(&stored)));

    for (place, byte) in [(0, 0), (0, 2), (0, 8), (1, 0x7f), (256, 0)] {
        let mut damaged = stored.clone();
        damaged[place] = byte;
        assert_eq!(Err(Error::CorruptState), Group::decode(&mut RecordReader::new(&damaged)));
    }
    let cut = &stored[..Group::STORED_LEN - 1];
    assert_eq!(Err(Error::CorruptState), Group::decode(&mut RecordReader::new(cut)));
}
