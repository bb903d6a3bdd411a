// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file in which a user takes keys of rooms from one client to another (olm_megolm.md §7).
//!
//! ```text
//! 01 | salt 16 | IV 16 | rounds 4, big-endian | AES-256-CTR | HMAC-SHA-256 of all before 32
//! ```
//!
//! It is base64 between two lines that say what it is. It is as safe as its passphrase is hard to
//! guess, and whoever knows the passphrase can make one: keys from a file prove nothing about where
//! they come from.

use core::num::NonZeroU32;

use e2ee_primitives::{
    Random, Secret, SecretBytes, base64, ctr_stream::CtrStream, hmac::HmacKey, pbkdf2,
};
use e2ee_wire::{Error, Reader};

use crate::secret_storage::without_bit_63;

const FIRST_LINE: &str = "-----BEGIN MEGOLM SESSION DATA-----";
const LAST_LINE: &str = "-----END MEGOLM SESSION DATA-----";
const VERSION: u8 = 1;
const LINE_LEN: usize = 96;
const MAC_LEN: usize = 32;
/// The fewest rounds of a file that is written.
pub const MIN_ROUNDS_WRITTEN: u32 = 100_000;
/// The most rounds of a file that is read: some seconds.
///
/// Whoever made a file decides about them before anything is authenticated.
pub const MAX_ROUNDS_READ: u32 = 5_000_000;

/// The file of the JSON array `sessions`; draws exactly 32 bytes.
///
/// [`Error::InvalidArgument`] for less than [`MIN_ROUNDS_WRITTEN`] rounds or more than
/// [`MAX_ROUNDS_READ`].
pub fn seal(
    sessions: &[u8],
    passphrase: &str,
    rounds: u32,
    random: &mut dyn Random,
) -> Result<String, Error> {
    if !(MIN_ROUNDS_WRITTEN..=MAX_ROUNDS_READ).contains(&rounds) {
        return Err(Error::InvalidArgument);
    }
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    random.fill(&mut salt)?;
    random.fill(&mut iv)?;
    let iv = without_bit_63(iv);
    let (cipher_key, mac_key) = keys(passphrase, &salt, rounds)?;
    let mut body = [&[VERSION][..], &salt, &iv, &rounds.to_be_bytes()].concat();
    CtrStream::new(&cipher_key, &iv).append(sessions, &mut body)?;
    let mac = mac_key.tag(&[&body]);
    body.extend_from_slice(&mac);
    Ok(armoured(&base64::encode(&body)))
}

/// The JSON of a file.
///
/// [`Error::Malformed`] if it is no such file, [`Error::UnsupportedVersion`] if it is one of another
/// version, [`Error::InvalidArgument`] if it asks for more than [`MAX_ROUNDS_READ`] rounds, and
/// [`Error::Forged`] if the passphrase is another or the file was altered.
pub fn open(file: &str, passphrase: &str) -> Result<SecretBytes, Error> {
    let bytes = base64::decode(&unarmoured(file)?)?;
    let mut reader = Reader::new(bytes.expose());
    if reader.byte()? != VERSION {
        return Err(Error::UnsupportedVersion);
    }
    let (salt, iv) = (reader.array()?, reader.array()?);
    let rounds = u32::from_be_bytes(*reader.array()?);
    let (ciphertext, mac) = reader.rest().split_last_chunk::<MAC_LEN>().ok_or(Error::Malformed)?;
    if rounds == 0 {
        return Err(Error::Malformed);
    }
    if rounds > MAX_ROUNDS_READ {
        return Err(Error::InvalidArgument);
    }
    let (cipher_key, mac_key) = keys(passphrase, salt, rounds)?;
    let (covered, _) = bytes.expose().split_last_chunk::<MAC_LEN>().ok_or(Error::Malformed)?;
    if !mac_key.verify(&[covered], mac) {
        return Err(Error::Forged);
    }
    CtrStream::new(&cipher_key, iv).open_at(0, ciphertext)
}

fn keys(passphrase: &str, salt: &[u8; 16], rounds: u32) -> Result<(Secret<32>, HmacKey), Error> {
    let rounds = NonZeroU32::new(rounds).ok_or(Error::InvalidArgument)?;
    let keys: Secret<64> = pbkdf2::derive(passphrase.as_bytes(), salt, rounds);
    let (cipher_key, mac_key) = keys.split();
    Ok((cipher_key, HmacKey::new(mac_key.expose())))
}

fn armoured(mut text: &str) -> String {
    let mut file = format!("{FIRST_LINE}\n");
    while !text.is_empty() {
        let (line, rest) = text.split_at_checked(LINE_LEN).unwrap_or((text, ""));
        file.push_str(line);
        file.push('\n');
        text = rest;
    }
    file.push_str(LAST_LINE);
    file.push('\n');
    file
}

/// What stands between the two lines, without white space.
fn unarmoured(file: &str) -> Result<String, Error> {
    let text = file.trim().strip_prefix(FIRST_LINE).and_then(|rest| rest.strip_suffix(LAST_LINE));
    let text = text.ok_or(Error::Malformed)?;
    // The lines stand by themselves.
    if !(text.starts_with(['\r', '\n']) && text.ends_with('\n')) {
        return Err(Error::Malformed);
    }
    Ok(text.split_ascii_whitespace().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
            out.fill(self.0);
            Ok(())
        }
    }

    fn sealed(passphrase: &str) -> String {
        seal(b"[]", passphrase, MIN_ROUNDS_WRITTEN, &mut Fixed(0xff)).unwrap()
    }

    #[test]
    fn a_file_opens_with_its_passphrase_only_in_any_script() {
        for passphrase in ["", "word", "pässwörd", "\u{1f511}\u{1f511}"] {
            let file = sealed(passphrase);
            assert_eq!(b"[]", open(&file, passphrase).unwrap().expose());
            let other = format!("{passphrase} ");
            assert_eq!(Err(Error::Forged), open(&file, &other).map(|_| ()), "{passphrase}");
        }
    }

    #[test]
    fn rounds_are_bounded_both_ways() {
        for (rounds, allowed) in
            [(0, false), (99_999, false), (100_000, true), (5_000_001, false), (u32::MAX, false)]
        {
            let verdict = seal(b"[]", "", rounds, &mut Fixed(1)).map(|_| ());
            let expected = if allowed { Ok(()) } else { Err(Error::InvalidArgument) };
            assert_eq!(expected, verdict, "{rounds}");
        }
    }

    #[test]
    fn too_many_rounds_and_none_are_refused_before_any_is_done() {
        for (rounds, expected) in [
            (0_u32, Error::Malformed),
            (MAX_ROUNDS_READ + 1, Error::InvalidArgument),
            (u32::MAX, Error::InvalidArgument),
        ] {
            let body = [&[VERSION][..], &[0; 32], &rounds.to_be_bytes(), &[0; 40]].concat();
            let file = armoured(&base64::encode(&body));
            assert_eq!(Err(expected), open(&file, "").map(|_| ()));
        }
    }

    #[test]
    fn lines_may_end_in_any_way_and_stand_between_blank_ones() {
        let file = sealed("word");
        for written in [
            file.replace('\n', "\r\n"),
            format!("\n\n{file}\n"),
            file.trim().to_owned(),
            file.replacen('/', "/\n", 1),
        ] {
            assert_eq!(b"[]", open(&written, "word").unwrap().expose());
        }
    }

    #[test]
    fn what_is_no_file_is_malformed_and_another_version_is_said() {
        let file = sealed("word");
        for wrong in [
            String::new(),
            FIRST_LINE.to_owned(),
            format!("{FIRST_LINE}{LAST_LINE}"),
            format!("{FIRST_LINE}\n{LAST_LINE}"),
            format!("{FIRST_LINE}\nAQ\n{LAST_LINE}"),
            file.replacen(FIRST_LINE, "-----BEGIN MEGOLM SESSION DATA----", 1),
            file.replacen(LAST_LINE, "", 1),
            file.replacen('\n', "", 1),
            file.replacen('/', "-", 1),
        ] {
            assert_eq!(Err(Error::Malformed), open(&wrong, "word").map(|_| ()), "{wrong}");
        }
        let other = armoured(&base64::encode(&[2; 100]));
        assert_eq!(Err(Error::UnsupportedVersion), open(&other, "word").map(|_| ()));
    }
}
