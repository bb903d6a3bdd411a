// SPDX-License-Identifier: MIT OR Apache-2.0
//! The channel of a login over HPKE (RFC 9180, olm_megolm.md §9).
//!
//! ```text
//!   Recipient::new ── public key, in a QR code ──► Initiator::establish
//!   Recipient::accept ◄── encapsulated key, ciphertext ──── Waiting
//!   Opened::answer ─────── nonce, ciphertext ─────► Waiting::receive
//!        └─► Channel ◄─── check code, read out ───► Channel ◄┘
//! ```
//!
//! What the initiator says is sealed by HPKE itself; what the recipient says, under a key that is
//! exported and bound to a nonce of its own.
//!
//! **This is not proved against another implementation**: its form is read from vodozemac's source.
//! The recorded conversation of the tests was computed by a second program of our own.

use e2ee_primitives::{
    Random, Secret, SecretBytes, base64, chacha20_poly1305,
    hkdf::PseudorandomKey,
    hpke::ENCAPSULATED_LEN,
    hpke_messages::{Receiver, Sender},
    x25519::{PrivateKey, PublicKey},
};
use e2ee_wire::{Error, Reader};

/// Bytes of the nonce before the first answer.
pub const RESPONSE_NONCE_LEN: usize = 32;

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

    /// Opens the first message.
    ///
    /// The recipient is used up, whatever the outcome: a QR code is for one attempt.
    /// [`Error::Malformed`], [`Error::InvalidKey`] or [`Error::Forged`].
    pub fn accept(self, message: &[u8]) -> Result<(Opened, SecretBytes), Error> {
        let mut reader = Reader::new(message);
        let encapsulated = *reader.array::<ENCAPSULATED_LEN>()?;
        // A key that is not written in its one form comes from no honest peer.
        if !PublicKey::new(encapsulated).is_reduced() {
            return Err(Error::InvalidKey);
        }
        let mut receiver = Receiver::begin(&self.key, &encapsulated, self.purpose.as_bytes())?;
        let opened = receiver.open(&[], reader.rest())?;
        let label = labels(&self.purpose, self.key.public(), &encapsulated);
        let codes = Codes { check: receiver.export(&label.check) };
        let response = receiver.export(&label.response);
        Ok((Opened { receiver, response, codes, encapsulated }, opened))
    }
}

/// A channel on which the recipient has to answer first.
#[derive(Debug)]
pub struct Opened {
    receiver: Receiver,
    response: Secret<32>,
    codes: Codes,
    encapsulated: [u8; ENCAPSULATED_LEN],
}

impl Opened {
    /// The channel, and the first answer; draws exactly 32 bytes.
    pub fn answer(
        self,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Channel, Vec<u8>), Error> {
        let mut nonce = [0; RESPONSE_NONCE_LEN];
        random.fill(&mut nonce)?;
        let mut sending = ResponseKeys::new(&self.response, &self.encapsulated, &nonce);
        let ciphertext = sending.seal(plaintext)?;
        let sides = Sides::Recipient { sending, receiving: self.receiver };
        Ok((Channel { sides, codes: self.codes }, [&nonce[..], &ciphertext].concat()))
    }
}

/// The side that knows the recipient's public key and speaks first.
#[derive(Clone, Copy, Debug)]
pub struct Initiator;

impl Initiator {
    /// A channel to the owner of `their_key`, and the first message, with what it says in it.
    ///
    /// Draws exactly 32 bytes. [`Error::InvalidKey`] if their key cannot be used.
    pub fn establish(
        their_key: &PublicKey,
        purpose: &str,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Waiting, Vec<u8>), Error> {
        if !their_key.is_reduced() {
            return Err(Error::InvalidKey);
        }
        let (mut sender, encapsulated) = Sender::begin(their_key, purpose.as_bytes(), random)?;
        let ciphertext = sender.seal(&[], plaintext)?;
        let label = labels(purpose, their_key, &encapsulated);
        let codes = Codes { check: sender.export(&label.check) };
        let response = sender.export(&label.response);
        let message = [&encapsulated[..], &ciphertext].concat();
        Ok((Waiting { sender, response, codes, encapsulated }, message))
    }
}

/// A channel on which the answer has not come yet.
#[derive(Debug)]
pub struct Waiting {
    sender: Sender,
    response: Secret<32>,
    codes: Codes,
    encapsulated: [u8; ENCAPSULATED_LEN],
}

impl Waiting {
    /// Opens the first answer: whoever made it owns the key that was scanned.
    ///
    /// The channel is used up by an answer that does not open. [`Error::Malformed`] or
    /// [`Error::Forged`].
    pub fn receive(self, answer: &[u8]) -> Result<(Channel, SecretBytes), Error> {
        let mut reader = Reader::new(answer);
        let nonce = reader.array::<RESPONSE_NONCE_LEN>()?;
        let mut receiving = ResponseKeys::new(&self.response, &self.encapsulated, nonce);
        let opened = receiving.open(reader.rest())?;
        let sides = Sides::Initiator { sending: self.sender, receiving };
        Ok((Channel { sides, codes: self.codes }, opened))
    }
}

/// Both sides have spoken. Messages open in their order only.
#[derive(Debug)]
pub struct Channel {
    sides: Sides,
    codes: Codes,
}

#[derive(Debug)]
enum Sides {
    Initiator { sending: Sender, receiving: ResponseKeys },
    Recipient { sending: ResponseKeys, receiving: Receiver },
}

impl Channel {
    /// The next message that we send; [`Error::Exhausted`] if the counter is used up.
    pub fn encrypt(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        match &mut self.sides {
            Sides::Initiator { sending, .. } => sending.seal(&[], plaintext),
            Sides::Recipient { sending, .. } => sending.seal(plaintext),
        }
    }

    /// Opens the next message that they sent; [`Error::Forged`], which changes nothing, if it is
    /// not the next one of this channel.
    pub fn decrypt(&mut self, message: &[u8]) -> Result<SecretBytes, Error> {
        match &mut self.sides {
            Sides::Initiator { receiving, .. } => receiving.open(message),
            Sides::Recipient { receiving, .. } => receiving.open(&[], message),
        }
    }

    /// Two digits that both people must see alike.
    #[must_use]
    pub fn check_code(&self) -> [u8; 2] {
        self.codes.check.expose().map(|byte| byte % 10)
    }
}

#[derive(Debug)]
struct Codes {
    check: Secret<2>,
}

struct Labels {
    response: Vec<u8>,
    check: Vec<u8>,
}

fn labels(purpose: &str, recipient: &PublicKey, encapsulated: &[u8; ENCAPSULATED_LEN]) -> Labels {
    let [of_recipient, of_initiator] =
        [recipient.as_bytes(), encapsulated].map(|key| base64::encode(key));
    Labels {
        response: format!("{purpose}_RESPONSE").into_bytes(),
        check: format!("{purpose}_CHECKCODE|{of_recipient}|{of_initiator}").into_bytes(),
    }
}

/// What the recipient seals under: nonces as in HPKE, the counter added without carry.
#[derive(Debug)]
struct ResponseKeys {
    key: Secret<32>,
    nonce: Secret<12>,
    next: Option<u64>,
}

impl ResponseKeys {
    fn new(
        secret: &Secret<32>,
        encapsulated: &[u8; ENCAPSULATED_LEN],
        nonce: &[u8; RESPONSE_NONCE_LEN],
    ) -> Self {
        let salt = [&encapsulated[..], nonce].concat();
        let extracted = PseudorandomKey::extract(&salt, &[secret.expose()]);
        Self {
            key: extracted.expand(&[b"key"]),
            nonce: extracted.expand(&[b"nonce"]),
            next: Some(0),
        }
    }

    fn seal(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let index = self.next.ok_or(Error::Exhausted)?;
        let sealed = chacha20_poly1305::seal(&self.key, &self.nonce(index), &[], plaintext)?;
        self.next = index.checked_add(1);
        Ok(sealed)
    }

    fn open(&mut self, sealed: &[u8]) -> Result<SecretBytes, Error> {
        let index = self.next.ok_or(Error::Exhausted)?;
        let opened = chacha20_poly1305::open(&self.key, &self.nonce(index), &[], sealed)?;
        self.next = index.checked_add(1);
        Ok(opened)
    }

    /// RFC 9180 §5.2.
    fn nonce(&self, index: u64) -> [u8; 12] {
        let mut nonce = *self.nonce.expose();
        for (byte, counted) in nonce.iter_mut().rev().zip(index.to_le_bytes()) {
            *byte ^= counted;
        }
        nonce
    }
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
        Recipient::new("TEST", &mut Counting(7)).unwrap()
    }

    fn started() -> (Waiting, Vec<u8>) {
        let key = *recipient().public_key();
        Initiator::establish(&key, "TEST", b"first", &mut Counting(20)).unwrap()
    }

    fn both() -> (Channel, Channel) {
        let (waiting, first) = started();
        let (opened, text) = recipient().accept(&first).unwrap();
        assert_eq!(b"first", text.expose());
        let (theirs, answer) = opened.answer(b"answer", &mut Counting(30)).unwrap();
        let (ours, text) = waiting.receive(&answer).unwrap();
        assert_eq!(b"answer", text.expose());
        (ours, theirs)
    }

    #[test]
    fn both_sides_speak_and_see_the_same_code() {
        let (mut ours, mut theirs) = both();

        assert_eq!(ours.check_code(), theirs.check_code());
        for text in [&b""[..], b"a", &[7; 1_000]] {
            let message = ours.encrypt(text).unwrap();
            assert_eq!(text, theirs.decrypt(&message).unwrap().expose());
            let message = theirs.encrypt(text).unwrap();
            assert_eq!(text, ours.decrypt(&message).unwrap().expose());
        }
    }

    #[test]
    fn replays_gaps_and_reflections_are_forged_and_change_nothing() {
        let (mut ours, mut theirs) = both();
        for (sending, receiving) in [(0, 1), (1, 0)] {
            let mut sides = [&mut ours, &mut theirs];
            let messages = [b"1", b"2"].map(|text| sides[sending].encrypt(text).unwrap());
            let mut refused = |side: usize, message: &[u8]| {
                assert_eq!(Err(Error::Forged), sides[side].decrypt(message).map(|_| ()));
            };

            refused(receiving, &messages[1]);
            refused(sending, &messages[0]);
            refused(receiving, &messages[0][1..]);
            assert_eq!(b"1", sides[receiving].decrypt(&messages[0]).unwrap().expose());
            let again = sides[receiving].decrypt(&messages[0]).map(|_| ());
            assert_eq!(Err(Error::Forged), again);
            assert_eq!(b"2", sides[receiving].decrypt(&messages[1]).unwrap().expose());
        }
    }

    #[test]
    fn every_flipped_bit_of_both_first_messages_is_refused() {
        let (_, first) = started();
        for bit in 0..first.len() * 8 {
            let mut flipped = first.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let verdict = recipient().accept(&flipped).map(|_| ());
            assert!(matches!(verdict, Err(Error::Forged | Error::InvalidKey)), "bit {bit}");
        }
        let (opened, _) = recipient().accept(&first).unwrap();
        let (_, answer) = opened.answer(b"answer", &mut Counting(30)).unwrap();
        for bit in 0..answer.len() * 8 {
            let mut flipped = answer.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let verdict = started().0.receive(&flipped).map(|_| ());
            assert_eq!(Err(Error::Forged), verdict, "bit {bit} of the answer");
        }
    }

    #[test]
    fn what_is_too_short_another_purpose_or_key_is_refused() {
        let (_, first) = started();
        for length in 0..first.len() {
            let expected = if length < 32 { Error::Malformed } else { Error::Forged };
            let verdict = recipient().accept(&first[..length]).map(|_| ());
            assert_eq!(Err(expected), verdict, "{length}");
        }
        for wrong in [
            Recipient::new("OTHER", &mut Counting(7)).unwrap(),
            Recipient::new("TEST", &mut Counting(8)).unwrap(),
        ] {
            assert_eq!(Err(Error::Forged), wrong.accept(&first).map(|_| ()));
        }
        assert_eq!(Err(Error::Malformed), started().0.receive(&[0; 31]).map(|_| ()));
        for key in [[0; 32], [0xff; 32]] {
            let made = Initiator::establish(&PublicKey::new(key), "", b"", &mut Counting(0));
            assert_eq!(Err(Error::InvalidKey), made.map(|_| ()));
        }
    }
}
