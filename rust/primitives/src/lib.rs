// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arithmetic on secrets: the one place for foreign cryptography (signal.md §1, spqr.md §5).
//!
//! Everything here takes time-independent, typed inputs and returns values that are wiped on drop.
//! No protocol is known here; randomness is an argument.
#![deny(unsafe_code)]

pub mod aead;
pub mod argon2id;
pub mod base64;
pub mod cbc_blocks;
pub mod cbc_hmac;
pub mod cbc_stream;
pub mod chacha20_poly1305;
pub mod ctr_hmac;
pub mod ctr_stream;
pub mod ed25519;
pub mod forked;
pub mod gcm;
pub mod hkdf;
pub mod hkdf_sha512;
pub mod hmac;
pub mod hpke;
pub mod hpke_messages;
pub mod ige;
pub mod kyber1024;
pub mod md5;
pub mod mlkem768;
pub mod modp;
pub mod pbkdf2;
pub mod prefetch;
pub mod random;
pub mod ristretto;
pub mod secret;
pub mod sha;
pub mod x25519;
pub mod xeddsa;

pub use random::Random;
pub use secret::{Secret, SecretBytes};
