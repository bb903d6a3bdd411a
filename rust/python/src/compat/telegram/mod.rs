// SPDX-License-Identifier: MIT OR Apache-2.0
//! What Telegram's Python clients compute outside of Python, under the names of `TgCrypto` and `cryptg`
//! (mtproto_secret_chats.md §9).
//!
//! The texts of errors are those of the packages, which clients may look at. Key schedules are wiped.

mod arguments;
mod cryptg;
mod in_place;
mod many;
mod many_in_place;
mod tgcrypto;

pub use cryptg::{compat_decrypt_ige, compat_encrypt_ige, compat_factorize_pq_pair};
pub use in_place::{
    compat_cbc256_decrypt_in_place, compat_cbc256_encrypt_in_place, compat_ctr256_in_place,
    compat_ige256_decrypt_in_place, compat_ige256_encrypt_in_place,
};
pub use many::{compat_ige256_decrypt_many, compat_ige256_encrypt_many};
pub use many_in_place::{compat_ige256_decrypt_many_in_place, compat_ige256_encrypt_many_in_place};
pub use tgcrypto::{
    compat_cbc256_decrypt, compat_cbc256_encrypt, compat_ctr256, compat_ige256_decrypt,
    compat_ige256_encrypt,
};
