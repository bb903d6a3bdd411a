// SPDX-License-Identifier: MIT OR Apache-2.0
//! What Telegram's clients speak in secret chats, as `e2ee.mtproto` shows it
//! (mtproto_secret_chats.md §1).

pub mod chats;
pub mod group;
