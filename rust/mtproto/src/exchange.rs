// SPDX-License-Identifier: MIT OR Apache-2.0
//! The agreement on a key, for a new chat, a call, and each new key of a chat
//! (mtproto_secret_chats.md §1, §6 and §8).
//!
//! ```text
//! Offer::new ── public value ──► respond ── public value, fingerprint ──► Offer::confirm
//! ```

use e2ee_primitives::{Random, Secret};
use e2ee_wire::{Error, record::RecordReader};

use crate::group::{Group, LEN, PublicValue};
use crate::key::ChatKey;

/// Our half of an agreement whose other half has not come.
///
/// Nothing of it changes: whoever owns it replaces it by the key that comes out, and still has it
/// after an error. It must not outlive that key.
#[derive(Debug)]
pub struct Offer {
    group: Group,
    exponent: Secret<LEN>,
    public: PublicValue,
}

impl Offer {
    /// Bytes of the stored form.
    pub const STORED_LEN: usize = Group::STORED_LEN + 2 * LEN;

    /// A fresh exponent and its public value.
    ///
    /// The exponent is 256 drawn bytes, XOR up to 256 bytes that the server may add (§1); [`Error::InvalidArgument`] for more of them. The server has chosen its bytes
    /// before ours are drawn, so what comes out is as uniform as what was drawn, whatever they
    /// are: they can help a weak source, and cannot weaken a good one.
    pub fn new(
        group: &Group,
        server_random: &[u8],
        random: &mut dyn Random,
    ) -> Result<Self, Error> {
        let added = padded(server_random)?;
        for _ in 0..MAX_DRAWS {
            let exponent = Secret::random(random)?.xor(&added);
            let power = group.modulus().pow(&generator(group), &exponent);
            if let Ok(public) = group.public_value(power.expose()) {
                return Ok(Self { group: group.clone(), exponent, public });
            }
        }
        Err(Error::RandomUnavailable)
    }

    /// The public value, `g_a`, for the peer.
    #[must_use]
    pub const fn public(&self) -> &PublicValue {
        &self.public
    }

    /// The group of the agreement.
    #[must_use]
    pub const fn group(&self) -> &Group {
        &self.group
    }

    /// The key that follows from the peer's public value, `g_b`, as it came.
    ///
    /// §1: the power of it as exactly 256 bytes. [`Error::InvalidKey`] for a value that is out of
    /// range.
    pub fn agree(&self, their_public: &[u8]) -> Result<ChatKey, Error> {
        Ok(self.power(&self.group.public_value(their_public)?))
    }

    /// The same, if it is the key of which the peer has sent the fingerprint.
    ///
    /// [`Error::Forged`] for another fingerprint: the chat has to be discarded (§1).
    pub fn confirm(&self, their_public: &[u8], fingerprint: i64) -> Result<ChatKey, Error> {
        let key = self.agree(their_public)?;
        if key.fingerprint() == fingerprint { Ok(key) } else { Err(Error::Forged) }
    }

    /// Appends group, exponent and public value, [`Offer::STORED_LEN`] bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.group.encode(out);
        out.extend_from_slice(self.exponent.expose());
        out.extend_from_slice(self.public.as_bytes());
    }

    /// Reads what [`Offer::encode`] wrote; that the two halves belong together is not computed.
    pub fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let group = Group::decode(reader)?;
        let exponent = Secret::new(*reader.array()?);
        let public = group.public_value(reader.array::<LEN>()?).map_err(|_| Error::CorruptState)?;
        Ok(Self { group, exponent, public })
    }

    fn power(&self, base: &PublicValue) -> ChatKey {
        ChatKey::new(self.group.modulus().pow(base.as_bytes(), &self.exponent))
    }
}

/// The whole part of the one who was asked: the public value, `g_b`, for the peer, and the key.
///
/// `server_random` is as for [`Offer::new`]. [`Error::InvalidKey`], before anything is drawn, for a
/// peer's value, `g_a`, that is out of range.
pub fn respond(
    group: &Group,
    their_public: &[u8],
    server_random: &[u8],
    random: &mut dyn Random,
) -> Result<(PublicValue, ChatKey), Error> {
    let theirs = group.public_value(their_public)?;
    let ours = Offer::new(group, server_random, random)?;
    let key = ours.power(&theirs);
    Ok((ours.public, key))
}

/// The server's bytes, with zeros behind them.
fn padded(server_random: &[u8]) -> Result<[u8; LEN], Error> {
    if server_random.len() > LEN {
        return Err(Error::InvalidArgument);
    }
    let mut bytes = [0; LEN];
    for (to, from) in bytes.iter_mut().zip(server_random) {
        *to = *from;
    }
    Ok(bytes)
}

fn generator(group: &Group) -> [u8; LEN] {
    let mut number = [0; LEN];
    if let Some(last) = number.last_mut() {
        *last = group.generator();
    }
    number
}

/// A public value is out of range once in 2^63 draws: a source that gives so many of them is none.
const MAX_DRAWS: usize = 16;

#[cfg(test)]
mod tests;
