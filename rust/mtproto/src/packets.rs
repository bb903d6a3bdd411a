// SPDX-License-Identifier: MIT OR Apache-2.0
//! The packets of a call (mtproto_secret_chats.md §8): AES-256-CTR under keys that follow from a
//! hash of the plaintext, which is checked before anything is used.
//!
//! Checked against the formulas, not against another client.

use e2ee_primitives::{
    Secret, SecretBytes,
    ctr_stream::{BLOCK_LEN, CtrStream},
};
use e2ee_wire::Error;

use crate::call::Call;
use crate::key::{ChatKey, MESSAGE_KEY_LEN};
use crate::role::Role;

/// Sequence numbers begin at 1 and stay below this; the bits above have other meanings.
pub const SEQUENCE_END: u32 = 1 << 30;
/// How far behind the highest number a packet may come.
pub const REPLAY_WINDOW: u32 = 64;

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Between the two ends: sound and picture.
    Transport,
    /// Through the server: how the ends reach each other.
    Signaling,
}

impl Call {
    /// Appends the packet of `body`: its message key, and what it is encrypted to.
    ///
    /// `body` is one or more of sequence number and message; the same body twice gives the same
    /// packet, so a number is used once. [`Error::InvalidArgument`], and nothing is appended, for a
    /// body that no counter of AES-CTR reaches the end of.
    pub fn seal(&self, channel: Channel, body: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let message_key = message_key(&self.key, channel, self.ours, body);
        let start = out.len();
        out.reserve(MESSAGE_KEY_LEN.saturating_add(body.len()));
        out.extend_from_slice(&message_key);
        let sealed = stream(&self.key, channel, self.ours, &message_key).append(body, out);
        if sealed.is_err() {
            out.truncate(start);
        }
        sealed
    }

    /// The body of a packet of the other end; everything else is [`Error::Forged`].
    ///
    /// What came before comes again unless [`Received`] is asked about its sequence number.
    pub fn open(&self, channel: Channel, packet: &[u8]) -> Result<SecretBytes, Error> {
        let (key, sender) = (&self.key, self.ours.other());
        let (claimed, ciphertext) = packet.split_first_chunk().ok_or(Error::Forged)?;
        let body = stream(key, channel, sender, claimed).open_at(0, ciphertext);
        let body = body.map_err(|_| Error::Forged)?;
        let expected = Secret::new(message_key(key, channel, sender, body.expose()));
        if expected.ct_eq(&Secret::new(*claimed)) { Ok(body) } else { Err(Error::Forged) }
    }
}

/// Which sequence numbers of the other end have come, as far as that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    highest: u32,
    /// Bit `n` is that of `highest − n`.
    seen: u64,
}

impl Received {
    /// Takes a number of a packet that was opened.
    ///
    /// [`Error::Malformed`] for a number that no packet has, [`Error::Duplicate`] for one that has
    /// come, or that is 64 or more behind the highest.
    pub fn accept(&mut self, number: u32) -> Result<(), Error> {
        if number == 0 || number >= SEQUENCE_END {
            return Err(Error::Malformed);
        }
        if let Some(ahead) = number.checked_sub(self.highest).filter(|ahead| *ahead > 0) {
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = number;
            return Ok(());
        }
        let behind = self.highest.saturating_sub(number);
        let bit = 1_u64.checked_shl(behind).ok_or(Error::Duplicate)?;
        if self.seen & bit != 0 {
            return Err(Error::Duplicate);
        }
        self.seen |= bit;
        Ok(())
    }
}

/// §8: 88 bytes into the key from x on, with x = 0 and 8 for what caller and callee send to each
/// other, 128 and 136 for what they send through the server.
fn message_key(
    key: &ChatKey,
    channel: Channel,
    sender: Role,
    body: &[u8],
) -> [u8; MESSAGE_KEY_LEN] {
    match (channel, sender) {
        (Channel::Transport, Role::Originator) => key.message_key_at::<88>(body),
        (Channel::Transport, Role::Responder) => key.message_key_at::<96>(body),
        (Channel::Signaling, Role::Originator) => key.message_key_at::<216>(body),
        (Channel::Signaling, Role::Responder) => key.message_key_at::<224>(body),
    }
}

/// The same from x and from 40 + x on; of the IV of a message, the first block is what is left of
/// its 32 bytes without 4 to 8, 16 to 24 and the last four.
fn stream(
    key: &ChatKey,
    channel: Channel,
    sender: Role,
    message_key: &[u8; MESSAGE_KEY_LEN],
) -> CtrStream {
    let (cipher_key, iv) = match (channel, sender) {
        (Channel::Transport, Role::Originator) => key.cipher_keys_at::<0, 40>(message_key),
        (Channel::Transport, Role::Responder) => key.cipher_keys_at::<8, 48>(message_key),
        (Channel::Signaling, Role::Originator) => key.cipher_keys_at::<128, 168>(message_key),
        (Channel::Signaling, Role::Responder) => key.cipher_keys_at::<136, 176>(message_key),
    };
    let (head, middle, tail) = (iv.part::<0, 4>(), iv.part::<8, 8>(), iv.part::<24, 4>());
    let mut block = [0; BLOCK_LEN];
    let parts = head.expose().iter().chain(middle.expose()).chain(tail.expose());
    for (to, from) in block.iter_mut().zip(parts) {
        *to = *from;
    }
    CtrStream::new(&cipher_key, Secret::new(block).expose())
}

#[cfg(test)]
mod tests;
