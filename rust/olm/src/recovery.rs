// SPDX-License-Identifier: MIT OR Apache-2.0
//! A key as its owner writes it down (olm_megolm.md §6, "Recovery text"): base58 with Bitcoin's
//! alphabet, in groups of four.
//!
//! ```text
//! 8B 01 | key 32 | parity: all before, added without carry
//! ```
//!
//! The parity finds a wrong character, not a chosen change. Places in the alphabet depend on the
//! key here: it is written and read by its owner, on their own device.

use e2ee_primitives::{Secret, SecretBytes};
use e2ee_wire::Error;

const PREFIX: [u8; 2] = [0x8b, 0x01];
const BYTES: usize = 35;
/// Every number of this prefix has so many digits.
const DIGITS: usize = 48;
const GROUP: usize = 4;
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The text of a key: 48 characters in twelve groups.
#[must_use]
pub fn encode(key: &Secret<32>) -> SecretBytes {
    let mut number = SecretBytes::new(Vec::with_capacity(BYTES));
    let number = number.prepare(BYTES);
    let parity = PREFIX.iter().chain(key.expose()).fold(0, |parity, byte| parity ^ byte);
    let bytes = PREFIX.iter().chain(key.expose()).chain([&parity]);
    for (to, from) in number.iter_mut().zip(bytes) {
        *to = *from;
    }
    let mut digits = SecretBytes::new(Vec::with_capacity(DIGITS));
    let digits = digits.prepare(DIGITS);
    for digit in digits.iter_mut().rev() {
        *digit = divide(number);
    }
    let mut text = SecretBytes::new(Vec::new());
    let out = text.prepare(DIGITS.saturating_add(DIGITS / GROUP).saturating_sub(1));
    for (to, group) in out.chunks_mut(GROUP + 1).zip(digits.chunks(GROUP)) {
        let characters = group.iter().filter_map(|digit| ALPHABET.get(usize::from(*digit)));
        for (to, from) in to.iter_mut().zip(characters.chain(b" ")) {
            *to = *from;
        }
    }
    text
}

/// The key of a text; white space is passed over wherever it stands.
///
/// [`Error::Malformed`] if it is not 48 characters of the alphabet, or not what [`encode`] gives for
/// a key: a character is wrong.
pub fn decode(text: &str) -> Result<Secret<32>, Error> {
    let mut number = SecretBytes::new(Vec::with_capacity(BYTES));
    let number = number.prepare(BYTES);
    let mut digits = 0;
    for character in text.chars().filter(|character| !character.is_whitespace()) {
        let place = ALPHABET.iter().position(|each| char::from(*each) == character);
        let digit = place.and_then(|place| u8::try_from(place).ok()).ok_or(Error::Malformed)?;
        digits += 1;
        if digits > DIGITS || multiply(number, digit) != 0 {
            return Err(Error::Malformed);
        }
    }
    let parity = number.iter().fold(0, |parity, byte| parity ^ byte);
    let body = number.strip_prefix(&PREFIX).and_then(|rest| rest.split_last());
    match body {
        Some((_, key)) if digits == DIGITS && parity == 0 => {
            Secret::from_slice(key).ok_or(Error::Malformed)
        }
        _ => Err(Error::Malformed),
    }
}

/// Divides a big-endian number by 58 and gives what is left over.
fn divide(number: &mut [u8]) -> u8 {
    let mut left = 0_u16;
    for byte in number {
        let current = left << 8 | u16::from(*byte);
        let [quotient, _] = (current / 58).to_le_bytes();
        *byte = quotient;
        left = current % 58;
    }
    let [left, _] = left.to_le_bytes();
    left
}

/// Multiplies a big-endian number by 58 and adds a digit; gives what does not fit.
fn multiply(number: &mut [u8], digit: u8) -> u8 {
    let mut carry = digit;
    for byte in number.iter_mut().rev() {
        let current = u16::from(*byte) * 58 + u16::from(carry);
        [*byte, carry] = current.to_le_bytes();
    }
    carry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(key: [u8; 32]) -> String {
        String::from_utf8(encode(&Secret::new(key)).expose().to_vec()).unwrap()
    }

    #[test]
    fn keys_of_every_size_have_48_characters_in_groups_of_four() {
        for key in [[0; 32], [0xff; 32], [7; 32]] {
            let text = text_of(key);
            assert_eq!(59, text.len());
            assert!(text.split(' ').all(|group| group.len() == 4), "{text}");
            assert_eq!(&key, decode(&text).unwrap().expose());
        }
    }

    #[test]
    fn white_space_does_not_matter() {
        let text = text_of([7; 32]);

        for spaced in [text.replace(' ', ""), text.replace(' ', "\n\t"), format!("  {text}\r\n")] {
            assert_eq!(&[7; 32], decode(&spaced).unwrap().expose());
        }
    }

    #[test]
    fn one_wrong_character_is_found_but_for_what_a_parity_of_one_byte_lets_through() {
        let text: Vec<char> = text_of([7; 32]).replace(' ', "").chars().collect();
        let (mut tried, mut accepted) = (0, 0);

        for place in 0..text.len() {
            for other in ALPHABET.iter().map(|each| char::from(*each)) {
                let mut wrong = text.clone();
                if wrong[place] != other {
                    wrong[place] = other;
                    tried += 1;
                    accepted += usize::from(decode(&String::from_iter(wrong)).is_ok());
                }
            }
        }

        assert_eq!(57 * 48, tried);
        assert!(accepted < tried / 100, "{accepted} of {tried}");
    }

    #[test]
    fn missing_more_and_foreign_characters_are_malformed() {
        let text = text_of([7; 32]);
        for wrong in [
            String::new(),
            text[..58].to_owned(),
            format!("{text}1"),
            format!("1{text}"),
            text.replacen('E', "0", 1),
            text.replacen('E', "é", 1),
            "z".repeat(48),
            "1".repeat(48),
            "z".repeat(10_000),
        ] {
            assert_eq!(Err(Error::Malformed), decode(&wrong).map(|_| ()), "{wrong}");
        }
    }
}
