// SPDX-License-Identifier: MIT OR Apache-2.0
//! What Telegram's messages and ciphers rest on (mtproto_secret_chats.md §1, §2 and §9).
#![expect(clippy::inline_always, reason = "see the module `ige::chain`")]

use aes::{
    Aes256Dec, Aes256Enc, Block,
    cipher::{
        BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
        BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit, consts::U16,
    },
};
use e2ee_primitives::{
    Secret,
    ige::{IgeDecryptor, IgeEncryptor},
    modp::{self, Modulus},
    sha,
};

use super::{Any, Primitive, Request, System};

/// 64 KiB of blocks, each of which is what the cipher made of the one before: no mode whose blocks
/// wait for each other can be faster.
pub fn chains() -> Vec<Primitive> {
    let key = [7; 32].into();
    let (encrypt, decrypt) = (Aes256Enc::new(&key), Aes256Dec::new(&key));
    let (mut sealed, mut opened) = (Block::default(), Block::default());
    vec![
        Primitive::new("AES-256 encrypt 64 KiB, block after block", move || {
            encrypt.encrypt_with_backend(Chain(&mut sealed));
        }),
        Primitive::new("AES-256 decrypt 64 KiB, block after block", move || {
            decrypt.decrypt_with_backend(Chain(&mut opened));
        }),
    ]
}

/// The loop, compiled for the processor's own instructions.
struct Chain<'a>(&'a mut Block);

impl BlockSizeUser for Chain<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Chain<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut block = *self.0;
        (0..4_096).for_each(|_| backend.encrypt_block((&mut block).into()));
        *self.0 = block;
    }
}

impl BlockCipherDecClosure for Chain<'_> {
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, backend: &B) {
        let mut block = *self.0;
        (0..4_096).for_each(|_| backend.decrypt_block((&mut block).into()));
        *self.0 = block;
    }
}

/// A key schedule belongs to each message, as each has a key of its own. The modulus is any odd
/// number of 2,048 bits, and the exponent has as many: neither changes the time.
pub fn secret_chats(request: &Request) -> Any<Vec<Primitive>> {
    let mut all = vec![];
    for &bytes in &request.chats {
        let (key, iv) = (Secret::<32>::random(&mut System)?, Secret::<32>::random(&mut System)?);
        let (part, data) = (*Secret::<32>::random(&mut System)?.expose(), vec![7; bytes]);
        let (opening, opening_iv) = (key.duplicate(), iv.duplicate());
        let (mut sealed, mut opened) = (data.clone(), data.clone());
        all.push(Primitive::new(format!("AES-256-IGE encrypt {bytes} B, fresh key"), move || {
            IgeEncryptor::new(&key, &iv).encrypt(&mut sealed)
        }));
        all.push(Primitive::new(format!("AES-256-IGE decrypt {bytes} B, fresh key"), move || {
            IgeDecryptor::new(&opening, &opening_iv).decrypt(&mut opened)
        }));
        all.push(Primitive::new(format!("SHA-256 over 32 and {bytes} B"), move || {
            sha::sha256(&[&part, &data])
        }));
    }
    let (message_key, part) = ([7; 16], [7; 36]);
    all.push(Primitive::new("SHA-256 over 16 and 36 B", move || {
        sha::sha256(&[&message_key, &part])
    }));
    let mut number = *Secret::<{ modp::LEN }>::random(&mut System)?.expose();
    let exponent = Secret::random(&mut System)?;
    let [first, .., last] = &mut number;
    (*first, *last) = (*first | 0x80, *last | 1);
    let (modulus, mut base) = (Modulus::new(&number)?, [3; modp::LEN]);
    all.push(Primitive::new("power modulo 2,048 bits", move || {
        base = *modulus.pow(&base, &exponent).expose();
    }));
    Ok(all)
}
