// SPDX-License-Identifier: MIT OR Apache-2.0
//! Secret chats of Telegram, MTProto 2.0 between two clients (mtproto_secret_chats.md §1).
//!
//! The server that carries a chat picks its group and sees who writes when; what it cannot do, and
//! where the protocol is weaker than others here, says docs/protocols/mtproto.md.

#![forbid(unsafe_code)]

pub mod action;
pub mod call;
pub mod chat;
pub mod counts;
pub mod emoji;
pub mod envelope;
pub mod exchange;
pub mod factor;
pub mod file;
pub mod group;
pub mod key;
pub mod keys;
pub mod limits;
pub mod message;
pub mod packets;
pub mod picture;
pub mod role;
pub mod stored;
pub mod text;

#[cfg(test)]
mod scripted;
