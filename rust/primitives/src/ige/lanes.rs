// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several streams of AES-256-IGE side by side (mtproto_secret_chats.md §2).
//!
//! A stream waits for each of its blocks before the next, and the processor's unit for AES is idle
//! most of that time. Blocks of other streams fill it, whatever their keys are: they depend on
//! nothing of the first, and the processor overlaps them.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a closure is not compiled for the processor's instructions"
)]

use core::{cmp::Reverse, mem};

use aes::{
    Aes256Dec, Aes256Enc, Block,
    cipher::{
        BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
        BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, array::Array, consts::U16,
        inout::InOutBuf,
    },
};
use zeroize::Zeroize;

use super::chain::{Chain, Mixed, STRIDE, xor};
use e2ee_wire::Error;

/// Streams whose blocks are in the processor at once; more do not fit into it.
pub const WIDTH: usize = 8;

/// A stream, with what it is to work on next.
pub struct Lane<'a, K> {
    cipher: &'a K,
    chain: &'a mut Chain,
    /// What is read, if it is not what is written.
    from: Option<&'a [Block]>,
    to: &'a mut [Block],
}

impl<'a, K> Lane<'a, K> {
    /// [`Error::InvalidArgument`] for a length that is no multiple of 16, or two lengths.
    pub(super) fn new(
        cipher: &'a K,
        chain: &'a mut Chain,
        (from, to): (Option<&'a [u8]>, &'a mut [u8]),
    ) -> Result<Self, Error> {
        if from.is_some_and(|from| from.len() != to.len()) {
            return Err(Error::InvalidArgument);
        }
        let from = from.map(|from| Array::cast_slice_from_core(from.as_chunks().0));
        let (to, []) = to.as_chunks_mut() else {
            return Err(Error::InvalidArgument);
        };
        Ok(Self { cipher, chain, from, to: Array::cast_slice_from_core_mut(to) })
    }

    /// What is read and what is written.
    fn blocks(from: Option<&'a [Block]>, to: &'a mut [Block]) -> InOutBuf<'a, 'a, Block> {
        match from {
            // Of one length, as `new` has seen.
            Some(from) => InOutBuf::new(from, to).unwrap_or_else(|_| (&mut [][..]).into()),
            None => to.into(),
        }
    }
}

/// Encrypts what each stream has.
pub(super) fn encrypt_many(lanes: Vec<Lane<'_, Aes256Enc>>) {
    side_by_side(lanes);
}

/// Decrypts what each stream has.
pub(super) fn decrypt_many(lanes: Vec<Lane<'_, Aes256Dec>>) {
    side_by_side(lanes);
}

fn side_by_side<K: Cipher>(mut lanes: Vec<Lane<'_, K>>) {
    // The longest first, so that few of them end alone.
    lanes.sort_by_key(|lane| Reverse(lane.to.len()));
    let mut waiting = lanes.into_iter();
    let mut live: Vec<Track<'_, K>> = waiting.by_ref().take(WIDTH).map(Track::new).collect();
    while let Some(count) = live.iter().map(|track| track.blocks.len()).min() {
        if let Some(cipher) = live.first().map(|track| track.cipher) {
            cipher.all(Steps { tracks: &mut live, count });
        }
        live.retain(|track| !track.blocks.is_empty());
        live.extend(waiting.by_ref().take(WIDTH.saturating_sub(live.len())).map(Track::new));
    }
}

/// Either direction.
trait Cipher: Sized {
    /// One block, in its place.
    fn block(&self, block: &mut Block);
    /// Takes the steps where the compiler knows the processor's instructions.
    fn all(&self, steps: Steps<'_, '_, Self>);
}

impl Cipher for Aes256Enc {
    #[inline(always)]
    fn block(&self, block: &mut Block) {
        self.encrypt_block(block);
    }

    fn all(&self, steps: Steps<'_, '_, Self>) {
        self.encrypt_with_backend(steps);
    }
}

impl Cipher for Aes256Dec {
    #[inline(always)]
    fn block(&self, block: &mut Block) {
        self.decrypt_block(block);
    }

    fn all(&self, steps: Steps<'_, '_, Self>) {
        self.decrypt_with_backend(steps);
    }
}

/// A stream while it is worked on.
struct Track<'a, K> {
    cipher: &'a K,
    chain: &'a mut Chain,
    blocks: InOutBuf<'a, 'a, Block>,
    mixed: Mixed,
    work: Block,
}

impl<'a, K> Track<'a, K> {
    fn new(Lane { cipher, chain, from, to }: Lane<'a, K>) -> Self {
        let (mixed, work) = (Mixed::default(), chain.work());
        Self { cipher, chain, blocks: Lane::<K>::blocks(from, to), mixed, work }
    }

    /// The first step, for so many blocks.
    #[inline(always)]
    fn mix(&mut self, count: usize) {
        if let Some(now) = self.blocks.get_in().get(..count) {
            self.chain.mix(now, &mut self.mixed);
        }
    }

    /// The last step for them.
    #[inline(always)]
    fn write(&mut self, count: usize) {
        let count = count.min(self.blocks.len());
        let blocks = mem::replace(&mut self.blocks, (&mut [][..]).into());
        let (mut now, later) = blocks.split_at(count);
        self.chain.write(&self.mixed, now.get_out());
        self.blocks = later;
    }
}

impl<K> Drop for Track<'_, K> {
    fn drop(&mut self) {
        self.chain.keep(self.work);
        self.work.zeroize();
        self.mixed.zeroize();
    }
}

/// So many blocks of each stream.
struct Steps<'s, 'a, K> {
    tracks: &'s mut [Track<'a, K>],
    count: usize,
}

impl<K: Cipher> Steps<'_, '_, K> {
    #[inline(always)]
    fn take(self) {
        // With a number that is known, the loops over a stride have no ends to look for.
        for _ in 0..self.count / STRIDE {
            Self::stride(self.tracks, STRIDE);
        }
        Self::stride(self.tracks, self.count % STRIDE);
    }

    #[inline(always)]
    fn stride(tracks: &mut [Track<'_, K>], count: usize) {
        for track in tracks.iter_mut() {
            track.mix(count);
        }
        for at in 0..count {
            for Track { cipher, mixed, work, .. } in tracks.iter_mut() {
                if let Some(block) = mixed.get_mut(at) {
                    // In a variable of its own it passes through registers.
                    let mut next = xor(block, work);
                    cipher.block(&mut next);
                    (*block, *work) = (next, next);
                }
            }
        }
        for track in tracks.iter_mut() {
            track.write(count);
        }
    }
}

impl<K> BlockSizeUser for Steps<'_, '_, K> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Steps<'_, '_, Aes256Enc> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, _: &B) {
        self.take();
    }
}

impl BlockCipherDecClosure for Steps<'_, '_, Aes256Dec> {
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, _: &B) {
        self.take();
    }
}
