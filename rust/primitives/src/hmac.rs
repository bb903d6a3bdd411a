// SPDX-License-Identifier: MIT OR Apache-2.0
//! HMAC-SHA-256 (RFC 2104) with a keyed state that serves several messages.

use core::fmt;

use hmac::block_api::HmacCore;
use hmac::digest::FixedOutput;
use hmac::digest::array::Array;
use hmac::digest::block_api::{Buffer, CoreProxy, FixedOutputCore, UpdateCore};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::secret::Secret;
use crate::sha;

/// The keyed inner and outer SHA-256 states of one key, wiped on drop.
///
/// They are as secret as the key. A chain key computes them once for both of its HMACs. They are
/// kept without the buffer that [`Hmac`] has beside them: to copy and to wipe that one too takes a
/// quarter of an HMAC of few bytes (measured 130 ns with it, 103 ns without).
pub struct HmacKey(Keyed);

impl HmacKey {
    /// Keys both states; a key longer than a block is hashed first (RFC 2104 §2).
    #[must_use]
    #[inline]
    pub fn new(key: &[u8]) -> Self {
        let mut block = Secret::zero();
        if key.len() > BLOCK_LEN {
            let hashed = Secret::new(sha::sha256(&[key]));
            fill(block.expose_mut(), hashed.expose());
        } else {
            fill(block.expose_mut(), key);
        }
        Self::of_block(&block)
    }

    /// Apart from the above, and with nothing after it: the states are made where they will lie.
    #[inline(never)]
    fn of_block(block: &Secret<BLOCK_LEN>) -> Self {
        Self(Keyed::new(block.expose().into()))
    }

    /// The HMAC of the concatenated parts, as key material.
    #[must_use]
    pub fn derive(&self, parts: &[&[u8]]) -> Secret<32> {
        let mut output = Secret::zero();
        self.write(parts, output.expose_mut());
        output
    }

    /// The HMAC of the concatenated parts, as a public tag.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut output = [0; 32];
        self.write(parts, &mut output);
        output
    }

    /// Whether `tag` is the HMAC of the parts or its first bytes, in constant time.
    ///
    /// Signal sends 8 bytes (signal.md §4.2); a shorter tag than that, or one longer than 32, is
    /// no tag of ours.
    #[must_use]
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        let expected = self.derive(parts);
        tag.len() >= MIN_TAG_LEN
            && expected.expose().get(..tag.len()).is_some_and(|start| start.ct_eq(tag).into())
    }

    /// The HMAC of bytes that come in pieces.
    #[must_use]
    pub fn begin(&self) -> RunningHmac {
        RunningHmac(Hmac::compose(self.0.clone(), Buffer::<Keyed>::default()))
    }

    /// One block of HKDF's expansion (RFC 5869 §2.3): over the previous block, the info, a counter.
    pub(crate) fn derive_chained(
        &self,
        previous: &[u8],
        info: &[&[u8]],
        counter: u8,
    ) -> Secret<32> {
        let mut message = Message::begin(self);
        message.update(previous);
        for part in info {
            message.update(part);
        }
        message.update(&[counter]);
        let mut output = Secret::zero();
        message.finish(output.expose_mut());
        output
    }

    fn write(&self, parts: &[&[u8]], output: &mut [u8; 32]) {
        let mut message = Message::begin(self);
        for part in parts {
            message.update(part);
        }
        message.finish(output);
    }
}

/// The two keyed states, without a message.
type Keyed = HmacCore<Sha256>;

/// One message under a key; both fields wipe themselves.
struct Message {
    state: Keyed,
    buffer: Buffer<Keyed>,
}

impl Message {
    fn begin(key: &HmacKey) -> Self {
        Self { state: key.0.clone(), buffer: Buffer::<Keyed>::default() }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.buffer.digest_blocks(bytes, |blocks| self.state.update_blocks(blocks));
    }

    fn finish(&mut self, output: &mut [u8; 32]) {
        self.state.finalize_fixed_core(&mut self.buffer, <&mut Array<u8, _>>::from(output));
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HmacKey(..)")
    }
}

/// An HMAC under way, wiped on drop; its value can be taken more than once.
pub struct RunningHmac(Hmac<Sha256>);

impl RunningHmac {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The HMAC of all bytes so far.
    #[must_use]
    pub fn value(&self) -> [u8; 32] {
        self.0.clone().finalize_fixed().into()
    }

    /// Whether `tag` is the whole value, in constant time.
    #[must_use]
    pub fn verify(&self, tag: &[u8]) -> bool {
        self.value().ct_eq(tag).into()
    }

    /// A second state that goes on from here.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for RunningHmac {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RunningHmac(..)")
    }
}

fn fill(block: &mut [u8; BLOCK_LEN], key: &[u8]) {
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
}

const BLOCK_LEN: usize = 64;
const MIN_TAG_LEN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncated_tags_verify_down_to_eight_bytes() {
        let key = HmacKey::new(b"key");
        let tag = key.tag(&[b"message"]);

        let accepted: Vec<usize> =
            (0..=32).filter(|len| key.verify(&[b"message"], &tag[..*len])).collect();

        assert_eq!((8..=32).collect::<Vec<_>>(), accepted);
    }

    #[test]
    fn a_tag_longer_than_the_hash_is_refused() {
        let key = HmacKey::new(b"key");
        let mut long = key.tag(&[b"message"]).to_vec();
        long.push(0);

        assert!(!key.verify(&[b"message"], &long));
    }

    #[test]
    fn a_running_value_is_that_of_all_bytes_so_far() {
        let key = HmacKey::new(b"key");
        let mut running = key.begin();
        running.update(b"a");
        let (first, mut other) = (running.value(), running.duplicate());
        running.update(b"b");
        other.update(b"c");

        assert_eq!(
            [key.tag(&[b"a"]), key.tag(&[b"ab"]), key.tag(&[b"ac"])],
            [first, running.value(), other.value()]
        );
        assert!(running.verify(&key.tag(&[b"ab"])));
        assert!(!running.verify(&key.tag(&[b"ab"])[..31]));
        assert!(!running.verify(&first));
    }

    #[test]
    fn every_flipped_bit_of_a_tag_is_seen() {
        let key = HmacKey::new(b"key");
        let tag = key.tag(&[b"message"]);

        for bit in 0..64 {
            let mut forged = tag;
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.verify(&[b"message"], &forged[..8]), "bit {bit}");
        }
    }

    #[test]
    fn parts_are_joined_and_the_state_serves_twice() {
        let key = HmacKey::new(&[1; 32]);

        assert_eq!(key.tag(&[b"ab", b"", b"c"]), key.tag(&[b"abc"]));
        assert_eq!(&key.tag(&[b"abc"]), key.derive(&[b"abc"]).expose());
    }
}
