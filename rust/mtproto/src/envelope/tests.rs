// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the vectors do not reach: lengths, limits and arguments.

use super::*;

/// Counts upwards, so that no two draws are alike.
struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for byte in out {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

fn key() -> ChatKey {
    ChatKey::new(Secret::new(core::array::from_fn(|index| index.to_le_bytes()[0])))
}

/// Data sealed as it is, with whatever length and padding it claims.
fn sealed(key: &ChatKey, sender: Role, data: &[u8]) -> Vec<u8> {
    let message_key = key.message_key(sender, data);
    let (cipher_key, iv) = key.cipher_keys(sender, &message_key);
    let mut encrypted = data.to_vec();
    IgeEncryptor::new(&cipher_key, &iv).encrypt(&mut encrypted).unwrap();
    [&key.fingerprint().to_le_bytes()[..], &message_key, &encrypted].concat()
}

#[test]
fn the_padding_of_every_body_is_within_its_bounds() {
    let mut longest = 0;
    for length in (4..=20_000).chain(MAX_BODY_LEN - 2000..=MAX_BODY_LEN) {
        let padding = padding_len(length);
        longest = longest.max(padding);

        assert!(is_padding_len(padding), "{padding} bytes for {length}");
        assert_eq!(0, (LENGTH_LEN + length + padding) % BLOCK_LEN);
    }
    assert_eq!(459, longest);
}

#[test]
fn data_has_the_lengths_that_tdlib_gives_it() {
    let data_len = |body_len| LENGTH_LEN + body_len + padding_len(body_len);

    assert_eq!([64, 64, 128], [4, 48, 52].map(data_len));
    assert_eq!([1280, 1280, 1728, 1728, 2176], [1012, 1264, 1268, 1712, 1716].map(data_len));
}

#[test]
fn bodies_of_both_sides_are_opened() {
    for sender in [Role::Originator, Role::Responder] {
        for length in [4, 48, 52, 1264, 1268, MAX_BODY_LEN] {
            let body = vec![7; length];
            let wire = seal(&key(), sender, &body, &mut Counting(0)).unwrap();

            assert_eq!(Ok(key().fingerprint()), fingerprint_of(&wire));
            assert_eq!(body, open(&key(), sender, &wire).unwrap().expose());
        }
    }
}

#[test]
fn a_message_of_the_other_side_is_refused() {
    let wire = seal(&key(), Role::Originator, &[7; 4], &mut Counting(0)).unwrap();

    assert_eq!(Some(Error::Forged), open(&key(), Role::Responder, &wire).err());
}

#[test]
fn bodies_that_can_not_be_sent_are_refused() {
    for length in [0, 1, 5, MAX_BODY_LEN + 4] {
        let sealed = seal(&key(), Role::Originator, &vec![7; length], &mut Counting(0));

        assert_eq!(Err(Error::InvalidArgument), sealed);
    }
}

#[test]
fn padding_out_of_its_bounds_or_of_part_of_a_block_is_refused() {
    for length in [0, 8, 11, 13, 24 + 1, 1024 + 8] {
        let sealed = seal_padded(&key(), Role::Originator, &[7; 4], &vec![0; length]);

        assert_eq!(Err(Error::InvalidArgument), sealed);
    }
}

#[test]
fn authenticated_data_with_a_wrong_length_is_refused() {
    let key = key();
    for (length, data_len) in [
        (0_u32, 16_usize), // empty
        (1, 32),           // part of a word
        (4, 16),           // 8 bytes of padding
        (32, 32),          // longer than what is there
        (u32::MAX, 32),
        (4, 4 + 4 + 1032),      // 1032 bytes of padding
        (1_048_580, 1_048_608), // more than MAX_BODY_LEN
    ] {
        let data = [&length.to_le_bytes()[..], &vec![0; data_len - 4]].concat();
        let wire = sealed(&key, Role::Originator, &data);

        let refused = open(&key, Role::Originator, &wire).err();

        assert_eq!(Some(Error::Forged), refused, "{length} in {data_len}");
    }
}

#[test]
fn the_least_and_the_most_padding_are_accepted() {
    let key = key();
    for (length, padding) in [(16_u32, 12_usize), (4, 1016), (12, 1024)] {
        let data = vec![0; usize::try_from(length).unwrap() + padding];
        let wire = sealed(&key, Role::Originator, &[&length.to_le_bytes()[..], &data].concat());

        assert!(open(&key, Role::Originator, &wire).is_ok(), "{length} and {padding}");
    }
}

#[test]
fn messages_longer_than_any_are_refused() {
    let wire = vec![0; HEADER_LEN + MAX_DATA_LEN + 12];

    assert_eq!(Some(Error::Forged), open(&key(), Role::Originator, &wire).err());
}

#[test]
fn what_is_shorter_than_any_message_is_none() {
    assert_eq!(Err(Error::Malformed), fingerprint_of(&[0; 39]));
    assert_eq!(Some(Error::Malformed), open(&key(), Role::Originator, &[0; 39]).err());
    assert_eq!(Ok(0), fingerprint_of(&[0; 40]));
}
