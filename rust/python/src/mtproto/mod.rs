// SPDX-License-Identifier: MIT OR Apache-2.0
//! Secret chats and calls of Telegram, as `e2ee.mtproto` shows them (mtproto_secret_chats.md §1).

pub mod calls;
pub mod chats;
pub mod files;
pub mod group;
pub mod messages;
pub mod picture;
