// SPDX-License-Identifier: MIT OR Apache-2.0
//! Secret chats of Telegram, MTProto 2.0 between two clients (mtproto_secret_chats.md).
//!
//! The server that carries a chat picks its group and sees who writes when; what it cannot do, and
//! where the protocol is weaker than others here, says docs/protocols/mtproto.md.

#![forbid(unsafe_code)]

pub mod factor;
pub mod key;
pub mod role;
