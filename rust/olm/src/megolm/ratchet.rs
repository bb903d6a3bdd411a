// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ratchet of a sender: four parts, of which each turns 256 times as often as the one before it
//! (olm_megolm.md §2; Megolm, "Ratchet definition" and "Advancing the ratchet").

use e2ee_primitives::{Secret, cbc_hmac::MessageKeys, hkdf, hmac::HmacKey, random::Random};
use e2ee_ratchet::JumpRatchet;
use e2ee_wire::Error;

/// Bytes of the four parts.
pub const RATCHET_LEN: usize = 128;
/// The byte that each part is hashed with, and how far its count lies from the end of the index.
const LEVELS: [(u8, u32); 4] = [(0, 24), (1, 16), (2, 8), (3, 0)];

/// The ratchet at the index of a message, whose keys come from all of it.
#[derive(Debug)]
pub struct Ratchet {
    parts: [Secret<32>; 4],
    index: u32,
}

impl Ratchet {
    /// A fresh ratchet at index 0; draws exactly 128 bytes.
    pub fn random(random: &mut dyn Random) -> Result<Self, Error> {
        Ok(Self::new(&Secret::random(random)?, 0))
    }

    /// The ratchet of these parts, one behind the other, at `index`.
    #[must_use]
    pub fn new(parts: &Secret<RATCHET_LEN>, index: u32) -> Self {
        let parts = [
            parts.part::<0, 32>(),
            parts.part::<32, 32>(),
            parts.part::<64, 32>(),
            parts.part::<96, 32>(),
        ];
        Self { parts, index }
    }

    /// The ratchet of the next message; [`Error::Exhausted`] at index 2³² − 1.
    pub fn next(&self) -> Result<Self, Error> {
        Ok(self.jump_to(self.index.checked_add(1).ok_or(Error::Exhausted)?))
    }

    /// Cipher key, MAC key and IV of the message at this index: HKDF-SHA-256 without salt over the
    /// four parts, with the label of Megolm, 80 bytes (olm_megolm.md §2).
    #[must_use]
    pub fn message_keys(&self) -> MessageKeys {
        let parts = self.parts.each_ref().map(|part| &part.expose()[..]);
        MessageKeys::new(hkdf::derive(&[], &parts, &[b"MEGOLM_KEYS"]))
    }

    /// Whether both stand at the same index with the same parts, in constant time for the parts.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let parts = self.parts.iter().zip(&other.parts);
        self.index == other.index
            && parts.fold(true, |same, (ours, theirs)| same & ours.ct_eq(theirs))
    }

    /// Appends the four parts, 128 bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for part in &self.parts {
            out.extend_from_slice(part.expose());
        }
    }
}

impl JumpRatchet for Ratchet {
    fn index(&self) -> u32 {
        self.index
    }

    /// From part to part, each by what its byte of the index lies ahead: at most 1,026 hashes.
    ///
    /// olm_megolm.md §2: `R_j` becomes `H_j(R_j)` for each turn but the last, which makes the parts
    /// below it anew as well.
    fn jump_to(&self, index: u32) -> Self {
        let mut parts = self.parts.each_ref().map(Secret::duplicate);
        for (level, (byte, shift)) in LEVELS.into_iter().enumerate() {
            // If a part above was turned, this one was made anew, and its byte counts from 0.
            let above = u32::MAX.checked_shl(shift.saturating_add(8)).unwrap_or(0);
            let from = if self.index & above == index & above { self.index } else { index & above };
            let turns = (index >> shift).wrapping_sub(from >> shift) & 0xff;
            turn(&mut parts, level, byte, turns);
        }
        Self { parts, index }
    }
}

/// Turns the part at `level` so often; with the last turn the parts below it are made anew.
fn turn(parts: &mut [Secret<32>; 4], level: usize, byte: u8, turns: u32) {
    let Some(last) = turns.checked_sub(1) else { return };
    let Some(part) = parts.get(level) else { return };
    let mut key = HmacKey::new(part.expose());
    for _ in 0..last {
        key = HmacKey::new(key.derive(&[&[byte]]).expose());
    }
    for (part, (byte, _)) in parts.iter_mut().zip(LEVELS).skip(level) {
        *part = key.derive(&[&[byte]]);
    }
}
