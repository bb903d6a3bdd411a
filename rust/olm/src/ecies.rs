// SPDX-License-Identifier: MIT OR Apache-2.0
//! The older channel between a device that logs in and one that has (olm_megolm.md §9).
//!
//! ```text
//!   Recipient::new ── public key, in a QR code ──► Initiator::establish
//!   Recipient::accept ◄── first message ──────────────────┘
//!        └─► Channel ◄── check code, read out ──► Channel ◄┘
//! ```
//!
//! The recipient knows after the first message that someone has seen its public key; the initiator
//! knows that it speaks with the owner of the key that it scanned once an answer opens. That nobody
//! else scanned it too, the check code says, which people compare.
//!
//! **This is not proved against another implementation**: its form is read from vodozemac's
//! source, no recorded conversation was at hand. The tests compute the other side independently.

use e2ee_primitives::{
    Random, Secret, SecretBytes, base64, chacha20_poly1305, hkdf_sha512,
    x25519::{PrivateKey, PublicKey},
};
use e2ee_wire::Error;

/// What keys are derived for where Matrix uses the channel.
pub const QR_CODE_LOGIN: &str = "MATRIX_QR_CODE_LOGIN";

/// The side that shows its public key and waits.
#[derive(Debug)]
pub struct Recipient {
    key: PrivateKey,
    purpose: String,
}

impl Recipient {
    /// A fresh key; `purpose` is what both sides derive for. Draws exactly 32 bytes.
    pub fn new(purpose: &str, random: &mut dyn Random) -> Result<Self, Error> {
        Ok(Self { key: PrivateKey::random(random)?, purpose: purpose.to_owned() })
    }

    /// The key to be shown.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        self.key.public()
    }

    /// Opens the first message: the channel, and what it said.
    ///
    /// The recipient is used up, whatever the outcome: a QR code is for one attempt.
    /// [`Error::Malformed`], [`Error::InvalidKey`] or [`Error::Forged`].
    pub fn accept(self, message: &str) -> Result<(Channel, SecretBytes), Error> {
        let (ciphertext, key) = message.split_once('|').ok_or(Error::Malformed)?;
        let their_key = PublicKey::new(base64::decode_key(key)?);
        let keys = Keys::agreed(&self.key, &their_key, &self.purpose, Side::Recipient)?;
        let mut channel = Channel::new(keys);
        let opened = channel.decrypt(ciphertext)?;
        Ok((channel, opened))
    }
}

/// The side that knows the recipient's public key and speaks first.
#[derive(Clone, Copy, Debug)]
pub struct Initiator;

impl Initiator {
    /// The channel to the owner of `their_key`, and the first message, with what it says in it.
    ///
    /// Draws exactly 32 bytes. [`Error::InvalidKey`] if their key cannot be used.
    pub fn establish(
        their_key: &PublicKey,
        purpose: &str,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Channel, String), Error> {
        let key = PrivateKey::random(random)?;
        let keys = Keys::agreed(&key, their_key, purpose, Side::Initiator)?;
        let mut channel = Channel::new(keys);
        let ciphertext = channel.encrypt(plaintext)?;
        Ok((channel, format!("{ciphertext}|{}", base64::encode(key.public().as_bytes()))))
    }
}

/// Both sides have the keys. Messages open in their order only.
#[derive(Debug)]
pub struct Channel {
    keys: Keys,
    sent: Option<u64>,
    received: Option<u64>,
}

impl Channel {
    const fn new(keys: Keys) -> Self {
        Self { keys, sent: Some(0), received: Some(0) }
    }

    /// The next message that we send, as text.
    ///
    /// [`Error::Exhausted`] if the counter is used up.
    pub fn encrypt(&mut self, plaintext: &[u8]) -> Result<String, Error> {
        let index = self.sent.ok_or(Error::Exhausted)?;
        let sealed = chacha20_poly1305::seal(&self.keys.sending, &nonce(index), &[], plaintext)?;
        self.sent = index.checked_add(1);
        Ok(base64::encode(&sealed))
    }

    /// Opens the next message that they sent.
    ///
    /// [`Error::Malformed`] if it is no base64; [`Error::Forged`] if it is not the next message of
    /// this channel. Both change nothing.
    pub fn decrypt(&mut self, message: &str) -> Result<SecretBytes, Error> {
        let index = self.received.ok_or(Error::Exhausted)?;
        let sealed = base64::decode(message)?;
        let opened =
            chacha20_poly1305::open(&self.keys.receiving, &nonce(index), &[], sealed.expose())?;
        self.received = index.checked_add(1);
        Ok(opened)
    }

    /// Two digits that both people must see alike.
    #[must_use]
    pub fn check_code(&self) -> [u8; 2] {
        self.keys.check_code.expose().map(|byte| byte % 10)
    }
}

#[derive(Debug)]
struct Keys {
    sending: Secret<32>,
    receiving: Secret<32>,
    check_code: Secret<2>,
}

#[derive(Clone, Copy)]
enum Side {
    Initiator,
    Recipient,
}

impl Keys {
    fn agreed(
        our_key: &PrivateKey,
        their_key: &PublicKey,
        purpose: &str,
        side: Side,
    ) -> Result<Self, Error> {
        // A key that is not written in its one form comes from no honest peer.
        if !their_key.is_reduced() || their_key == our_key.public() {
            return Err(Error::InvalidKey);
        }
        let shared = our_key.agree(their_key)?;
        let [ours, theirs] =
            [our_key.public(), their_key].map(|key| base64::encode(key.as_bytes()));
        let keys = match side {
            Side::Initiator => format!("|{theirs}|{ours}"),
            Side::Recipient => format!("|{ours}|{theirs}"),
        };
        let info = |label| [purpose.as_bytes(), label, keys.as_bytes()];
        let of_initiator = hkdf_sha512::derive(shared.expose(), &info(b"_ENCKEY_S"));
        let of_recipient = hkdf_sha512::derive(shared.expose(), &info(b"_ENCKEY_G"));
        let check_code = hkdf_sha512::derive(shared.expose(), &info(b"_CHECKCODE"));
        let (sending, receiving) = match side {
            Side::Initiator => (of_initiator, of_recipient),
            Side::Recipient => (of_recipient, of_initiator),
        };
        Ok(Self { sending, receiving, check_code })
    }
}

/// The counter, little-endian.
fn nonce(index: u64) -> [u8; chacha20_poly1305::NONCE_LEN] {
    let mut nonce = [0; chacha20_poly1305::NONCE_LEN];
    for (to, from) in nonce.iter_mut().zip(index.to_le_bytes()) {
        *to = from;
    }
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(u8);

    impl Random for Counting {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
            self.0 += 1;
            out.fill(self.0);
            Ok(())
        }
    }

    fn recipient() -> Recipient {
        Recipient::new(QR_CODE_LOGIN, &mut Counting(7)).unwrap()
    }

    fn established() -> (Channel, String) {
        let key = *recipient().public_key();
        Initiator::establish(&key, QR_CODE_LOGIN, b"first", &mut Counting(20)).unwrap()
    }

    #[test]
    fn both_sides_speak_in_turn_and_see_the_same_code() {
        let (mut one, first) = established();
        let (mut other, opened) = recipient().accept(&first).unwrap();

        assert_eq!(b"first", opened.expose());
        assert_eq!(one.check_code(), other.check_code());
        for text in [&b""[..], b"a", &[7; 1_000]] {
            let message = other.encrypt(text).unwrap();
            assert_eq!(text, one.decrypt(&message).unwrap().expose());
            let message = one.encrypt(text).unwrap();
            assert_eq!(text, other.decrypt(&message).unwrap().expose());
        }
    }

    #[test]
    fn replays_gaps_and_reflections_are_forged_and_change_nothing() {
        let (mut one, first) = established();
        let (mut other, _) = recipient().accept(&first).unwrap();
        let messages = [b"1", b"2"].map(|text| one.encrypt(text).unwrap());
        let refused = |channel: &mut Channel, message: &str| {
            assert_eq!(Err(Error::Forged), channel.decrypt(message).map(|_| ()));
        };

        refused(&mut other, &messages[1]);
        refused(&mut other, first.split('|').next().unwrap());
        refused(&mut one, &messages[0]);
        assert_eq!(b"1", other.decrypt(&messages[0]).unwrap().expose());
        refused(&mut other, &messages[0]);
        assert_eq!(b"2", other.decrypt(&messages[1]).unwrap().expose());
    }

    #[test]
    fn another_purpose_key_or_recipient_is_forged() {
        let (_, first) = established();
        let other_purpose = Recipient::new("OTHER", &mut Counting(7)).unwrap();
        let other_key = Recipient::new(QR_CODE_LOGIN, &mut Counting(8)).unwrap();

        for wrong in [other_purpose, other_key] {
            assert_eq!(Err(Error::Forged), wrong.accept(&first).map(|_| ()));
        }
    }

    #[test]
    fn every_flipped_bit_of_the_first_message_is_refused() {
        let (_, first) = established();
        let (ciphertext, key) = first.split_once('|').unwrap();
        for part in 0..2 {
            let bytes = base64::decode([ciphertext, key][part]).unwrap();
            for bit in 0..bytes.len() * 8 {
                let mut wrong = bytes.expose().to_vec();
                wrong[bit / 8] ^= 1 << (bit % 8);
                let wrong = base64::encode(&wrong);
                let message = match part {
                    0 => format!("{wrong}|{key}"),
                    _ => format!("{ciphertext}|{wrong}"),
                };
                let verdict = recipient().accept(&message).map(|_| ());
                assert!(matches!(verdict, Err(Error::Forged | Error::InvalidKey)), "bit {bit}");
            }
        }
    }

    #[test]
    fn what_is_no_first_message_is_malformed() {
        let (_, first) = established();
        for wrong in ["", "|", "AAAA", &first.replace('|', ""), &format!("{first}|"), &first[1..]] {
            let verdict = recipient().accept(wrong).map(|_| ());
            assert!(verdict.is_err(), "{wrong}");
        }
        assert_eq!(Err(Error::Malformed), recipient().accept("A|B").map(|_| ()));
    }

    #[test]
    fn a_key_that_cannot_be_used_is_refused() {
        for key in [[0; 32], [0xff; 32]] {
            let made =
                Initiator::establish(&PublicKey::new(key), QR_CODE_LOGIN, b"", &mut Counting(0));
            assert_eq!(Err(Error::InvalidKey), made.map(|_| ()));
        }
    }

    #[test]
    fn a_used_up_counter_sends_nothing() {
        let (mut channel, _) = established();
        channel.sent = Some(u64::MAX);

        assert!(channel.encrypt(b"last").is_ok());
        assert_eq!(Err(Error::Exhausted), channel.encrypt(b"more"));
    }
}
