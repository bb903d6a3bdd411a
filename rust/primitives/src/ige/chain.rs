// SPDX-License-Identifier: MIT OR Apache-2.0
//! The chain of AES-256-IGE (mtproto_secret_chats.md §2), as fast as blocks that wait for each other
//! can be.
//!
//! Both directions are the same: `input ⊕ output before` goes into the cipher, and what comes out of
//! it gives `output` by `⊕ input before`. Put together, `(input ⊕ input before the last) ⊕ what came
//! out before` goes in. All but the last XOR is done for several blocks ahead, so that one block
//! waits for the other with a single XOR between them, where the definition has two.
//!
//! The loops stand in closures that the `aes` crate compiles for the instructions of the processor,
//! so that keys and chain stay in its registers. Where these do not suffice, the compiler puts keys
//! and blocks on the stack, from which nothing wipes them: that alone would take a fifth of the time.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a closure is not compiled for the processor's instructions"
)]

use aes::{
    Block,
    cipher::{
        BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherEncBackend, BlockCipherEncClosure,
        BlockSizeUser,
        consts::{U8, U16},
        inout::InOutBuf,
    },
};

use super::BLOCK_LEN;
use crate::secret::Secret;

/// Blocks that are worked on ahead.
pub(super) const STRIDE: usize = 8;
/// What so many blocks become on their way.
pub(super) type Mixed = [Block; STRIDE];

/// Where a chain stands.
pub(super) struct Chain {
    /// What came out of the cipher last.
    work: Secret<BLOCK_LEN>,
    /// The last two inputs, and behind them those that are worked on.
    inputs: Secret<{ (STRIDE + 2) * BLOCK_LEN }>,
}

impl Chain {
    /// Before the first block, with the output and the input that the IV puts before it.
    pub fn new(output: Secret<BLOCK_LEN>, input: &Secret<BLOCK_LEN>) -> Self {
        let mut inputs = Secret::zero();
        if let [_, last, ..] = inputs.expose_mut().as_chunks_mut().0 {
            *last = *input.expose();
        }
        Self { work: output, inputs }
    }

    /// What came out of the cipher last; it goes along with the blocks, and back at their end.
    pub fn work(&self) -> Block {
        (*self.work.expose()).into()
    }

    /// The end of what [`Chain::work`] began.
    pub fn keep(&mut self, work: Block) {
        *self.work.expose_mut() = work.0;
    }

    /// The first of three steps: what goes into the cipher, but for what came out of it before.
    #[inline(always)]
    pub fn mix(&mut self, blocks: &[Block], mixed: &mut Mixed) {
        let (inputs, _) = self.inputs.expose_mut().as_chunks_mut::<BLOCK_LEN>();
        for (to, from) in inputs.iter_mut().skip(2).zip(blocks) {
            *to = from.0;
        }
        let both = inputs.iter().skip(2).zip(inputs.iter());
        for (to, (input, second)) in mixed.iter_mut().zip(both) {
            *to = xor(input.into(), second.into());
        }
    }

    /// The last of them, after the cipher: the outputs, no more than were mixed.
    #[inline(always)]
    pub fn write(&mut self, mixed: &Mixed, out: &mut [Block]) {
        let (inputs, _) = self.inputs.expose_mut().as_chunks_mut::<BLOCK_LEN>();
        for ((to, work), last) in out.iter_mut().zip(mixed).zip(inputs.iter().skip(1)) {
            *to = xor(work, last.into());
        }
        let count = out.len().min(STRIDE);
        inputs.copy_within(count..count.saturating_add(2), 0);
    }

    #[inline(always)]
    fn run(&mut self, blocks: InOutBuf<'_, '_, Block>, cipher: impl Fn(&mut Block)) {
        let mut work = self.work();
        let (strides, rest) = blocks.into_chunks::<U8>();
        for stride in strides {
            work = self.stride(work, stride.into_buf(), &cipher);
        }
        work = self.stride(work, rest, &cipher);
        self.keep(work);
    }

    /// All three steps, for so many blocks or fewer.
    #[inline(always)]
    fn stride(
        &mut self,
        mut work: Block,
        mut blocks: InOutBuf<'_, '_, Block>,
        cipher: impl Fn(&mut Block),
    ) -> Block {
        let mut mixed = Mixed::default();
        self.mix(blocks.get_in(), &mut mixed);
        for block in mixed.iter_mut().take(blocks.len()) {
            work = xor(block, &work);
            cipher(&mut work);
            *block = work;
        }
        self.write(&mixed, blocks.get_out());
        work
    }
}

/// Encrypts blocks with the processor's own instructions.
pub(super) struct EncryptBlocks<'a, 'i, 'o> {
    pub chain: &'a mut Chain,
    pub blocks: InOutBuf<'i, 'o, Block>,
}

impl BlockSizeUser for EncryptBlocks<'_, '_, '_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for EncryptBlocks<'_, '_, '_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        self.chain.run(self.blocks, |block| backend.encrypt_block(block.into()));
    }
}

/// Decrypts blocks with the processor's own instructions.
pub(super) struct DecryptBlocks<'a, 'i, 'o> {
    pub chain: &'a mut Chain,
    pub blocks: InOutBuf<'i, 'o, Block>,
}

impl BlockSizeUser for DecryptBlocks<'_, '_, '_> {
    type BlockSize = U16;
}

impl BlockCipherDecClosure for DecryptBlocks<'_, '_, '_> {
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, backend: &B) {
        self.chain.run(self.blocks, |block| backend.decrypt_block(block.into()));
    }
}

/// The XOR of two blocks, by bytes: as numbers they would leave the vector registers.
#[inline(always)]
pub(crate) fn xor(left: &Block, right: &Block) -> Block {
    let mut out = *left;
    for (to, from) in out.iter_mut().zip(right) {
        *to ^= from;
    }
    out
}
