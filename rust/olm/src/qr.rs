// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a QR code for verification holds (olm_megolm.md §4).
//!
//! ```text
//! "MATRIX" 02 | mode 1 | length 2, big-endian | transaction id | key 32 | key 32 | secret
//! ```
//!
//! No recorded code was at hand: the form is read from the specification.

use e2ee_primitives::{Random, SecretBytes};
use e2ee_wire::{Error, Reader};

const MAGIC: &[u8; 6] = b"MATRIX";
const VERSION: u8 = 2;
/// Bytes of the secret that is made here.
pub const SECRET_LEN: usize = 16;
/// The fewest bytes of a secret that is read.
pub const MIN_SECRET_LEN: usize = 8;

/// Who shows the code, and what the two keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Another user's: the shower's master key, and the scanner's as the shower knows it.
    OtherUser,
    /// One's own other device, which trusts the master key: that, and the scanning device's key.
    SelfTrusting,
    /// One's own other device, which does not yet trust it: the device's key, and the master key
    /// as it knows it.
    SelfUntrusted,
}

/// A code, as it is shown or was scanned; nothing in it is authenticated, the eye is.
#[derive(Debug)]
pub struct QrCode {
    /// Who shows it.
    pub mode: Mode,
    /// The id of the transaction, or of the event that asked for it in a room.
    pub transaction: String,
    /// The shower's key, 32 bytes: Ed25519.
    pub shown_key: [u8; 32],
    /// The key that the shower holds to be the scanner's.
    pub expected_key: [u8; 32],
    secret: SecretBytes,
}

impl QrCode {
    /// A code to show, with a fresh secret of 16 bytes.
    ///
    /// [`Error::InvalidArgument`] if the id has 2¹⁶ bytes or more.
    pub fn new(
        mode: Mode,
        transaction: &str,
        keys: [[u8; 32]; 2],
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        u16::try_from(transaction.len()).map_err(|_| Error::InvalidArgument)?;
        let mut secret = SecretBytes::new(Vec::new());
        random.fill(secret.prepare(SECRET_LEN))?;
        let [shown_key, expected_key] = keys;
        Ok(Self { mode, transaction: transaction.to_owned(), shown_key, expected_key, secret })
    }

    /// The secret, which the scanner sends back inside `m.key.verification.start`.
    #[must_use]
    pub const fn secret(&self) -> &SecretBytes {
        &self.secret
    }

    /// Whether what came back is the secret, in constant time: the other device has scanned us.
    #[must_use]
    pub fn was_scanned(&self, returned: &[u8]) -> bool {
        self.secret.ct_eq(returned)
    }

    /// The bytes of the code.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mode = match self.mode {
            Mode::OtherUser => 0,
            Mode::SelfTrusting => 1,
            Mode::SelfUntrusted => 2,
        };
        // An id that is too long is no part of a code.
        let length = u16::try_from(self.transaction.len()).unwrap_or(u16::MAX);
        [
            &MAGIC[..],
            &[VERSION, mode],
            &length.to_be_bytes(),
            self.transaction.as_bytes(),
            &self.shown_key,
            &self.expected_key,
            self.secret.expose(),
        ]
        .concat()
    }

    /// Reads a code.
    ///
    /// [`Error::UnsupportedVersion`] for another version, else [`Error::Malformed`] if it is no such
    /// code, if the id is no text or the secret shorter than eight bytes.
    pub fn decode(code: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(code);
        if reader.array()? != MAGIC {
            return Err(Error::Malformed);
        }
        if reader.byte()? != VERSION {
            return Err(Error::UnsupportedVersion);
        }
        let mode = match reader.byte()? {
            0 => Mode::OtherUser,
            1 => Mode::SelfTrusting,
            2 => Mode::SelfUntrusted,
            _ => return Err(Error::Malformed),
        };
        let length = u16::from_be_bytes(*reader.array()?);
        let transaction = core::str::from_utf8(reader.take(usize::from(length))?);
        let transaction = transaction.map_err(|_| Error::Malformed)?.to_owned();
        let (shown_key, expected_key) = (*reader.array()?, *reader.array()?);
        let secret = SecretBytes::new(reader.rest().to_vec());
        if secret.len() < MIN_SECRET_LEN {
            return Err(Error::Malformed);
        }
        Ok(Self { mode, transaction, shown_key, expected_key, secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Random for Fixed {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
            out.fill(7);
            Ok(())
        }
    }

    fn code(mode: Mode) -> QrCode {
        QrCode::new(mode, "$event", [[1; 32], [2; 32]], &mut Fixed).unwrap()
    }

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        let expected = [&b"MATRIX\x02\x01\x00\x06$event"[..], &[1; 32], &[2; 32], &[7; 16]];

        assert_eq!(expected.concat(), code(Mode::SelfTrusting).encode());
    }

    #[test]
    fn what_is_shown_is_read_and_its_secret_recognised() {
        for mode in [Mode::OtherUser, Mode::SelfTrusting, Mode::SelfUntrusted] {
            let (shown, read) = (code(mode), QrCode::decode(&code(mode).encode()).unwrap());

            assert_eq!(mode, read.mode);
            assert_eq!(("$event", [1; 32]), (read.transaction.as_str(), read.shown_key));
            assert_eq!([2; 32], read.expected_key);
            assert!(shown.was_scanned(read.secret().expose()));
            assert!(!shown.was_scanned(&read.secret().expose()[1..]));
            for bit in 0..8 * SECRET_LEN {
                let mut wrong = [7; SECRET_LEN];
                wrong[bit / 8] ^= 1 << (bit % 8);
                assert!(!shown.was_scanned(&wrong), "bit {bit}");
            }
        }
    }

    #[test]
    fn truncations_to_a_secret_of_less_than_eight_bytes_are_malformed() {
        let whole = code(Mode::OtherUser).encode();
        let least = whole.len() - SECRET_LEN + MIN_SECRET_LEN;

        for length in 0..whole.len() {
            let verdict = QrCode::decode(&whole[..length]).map(|_| ());
            let expected = if length < least { Err(Error::Malformed) } else { Ok(()) };
            assert_eq!(expected, verdict, "{length} bytes");
        }
    }

    #[test]
    fn another_magic_version_or_mode_and_an_id_that_is_no_text_are_refused() {
        let verdict = |place: usize, byte: u8| {
            let mut code = code(Mode::OtherUser).encode();
            code[place] = byte;
            QrCode::decode(&code).map(|_| ())
        };

        assert_eq!(Err(Error::Malformed), verdict(0, b'N'));
        assert_eq!(Err(Error::UnsupportedVersion), verdict(6, 3));
        assert_eq!(Err(Error::Malformed), verdict(7, 3));
        assert_eq!(Err(Error::Malformed), verdict(8, 0xff));
        assert_eq!(Err(Error::Malformed), verdict(10, 0xff));
    }

    #[test]
    fn an_id_has_less_than_two_to_the_sixteen_bytes() {
        let made = |length| {
            let id = "a".repeat(length);
            QrCode::new(Mode::OtherUser, &id, [[1; 32], [2; 32]], &mut Fixed)
                .map(|code| code.encode())
        };

        assert!(QrCode::decode(&made(65_535).unwrap()).is_ok());
        assert_eq!(Err(Error::InvalidArgument), made(65_536));
    }
}
