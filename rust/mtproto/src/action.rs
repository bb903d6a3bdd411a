// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a service message says (mtproto_secret_chats.md §3, "Service actions").

use e2ee_wire::{
    Error,
    tl::{self, TlReader},
};

use crate::message::{Message, signed, unsigned};

/// A `DecryptedMessageAction`.
#[derive(Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Messages from now on destroy themselves so many seconds after they were read; 0: never.
    SetMessageTtl(i32),
    /// The messages with these random ids were read.
    ReadMessages(Vec<i64>),
    /// The messages with these random ids are to be deleted.
    DeleteMessages(Vec<i64>),
    /// A picture of the screen was taken that shows the messages with these random ids.
    ScreenshotMessages(Vec<i64>),
    /// All messages are to be deleted.
    FlushHistory,
    /// Messages are missing and have to be sent again.
    Resend {
        /// `out_seq_no` of the first one.
        start: u32,
        /// `out_seq_no` of the last one.
        end: u32,
    },
    /// The sender speaks all layers up to this one.
    NotifyLayer(i32),
    /// What the sender does just now, a boxed `SendMessageAction`, whole.
    Typing(&'a [u8]),
    /// The first message of an exchange of keys (§6).
    RequestKey {
        /// What the exchange is called.
        exchange_id: i64,
        /// `g_a`, of any length.
        their_public: &'a [u8],
    },
    /// The answer to it.
    AcceptKey {
        /// What the exchange is called.
        exchange_id: i64,
        /// `g_b`, of any length.
        their_public: &'a [u8],
        /// The fingerprint of the new key.
        fingerprint: i64,
    },
    /// The new key is used from the next message on.
    CommitKey {
        /// What the exchange is called.
        exchange_id: i64,
        /// The fingerprint of the new key.
        fingerprint: i64,
    },
    /// The exchange has ended without a new key.
    AbortKey {
        /// What the exchange is called.
        exchange_id: i64,
    },
    /// Nothing: the message only shows which key it is under.
    Noop,
    /// Any other action, whole.
    Unknown(&'a [u8]),
}

const SET_MESSAGE_TTL: u32 = 0xa173_3aec;
const READ_MESSAGES: u32 = 0x0c4f_40be;
const DELETE_MESSAGES: u32 = 0x6561_4304;
const SCREENSHOT_MESSAGES: u32 = 0x8ac1_f475;
const FLUSH_HISTORY: u32 = 0x6719_e45c;
const RESEND: u32 = 0x5111_10b0;
const NOTIFY_LAYER: u32 = 0xf304_8883;
const TYPING: u32 = 0xccb2_7641;
const REQUEST_KEY: u32 = 0xf3c9_611b;
const ACCEPT_KEY: u32 = 0x6fe1_735b;
const COMMIT_KEY: u32 = 0xec2e_0b9b;
const ABORT_KEY: u32 = 0xdd05_ec6b;
const NOOP: u32 = 0xa82f_dd63;

impl<'a> Action<'a> {
    /// What an action says.
    ///
    /// [`Error::Malformed`] for one that ends early or that has bytes behind it, for a number below
    /// zero in `Resend`, and for an opaque part that is no boxed value.
    pub fn decode(action: &'a [u8]) -> Result<Self, Error> {
        let mut reader = TlReader::new(action);
        let decoded = match reader.id()? {
            SET_MESSAGE_TTL => Self::SetMessageTtl(reader.int()?),
            READ_MESSAGES => Self::ReadMessages(longs(&mut reader)?),
            DELETE_MESSAGES => Self::DeleteMessages(longs(&mut reader)?),
            SCREENSHOT_MESSAGES => Self::ScreenshotMessages(longs(&mut reader)?),
            FLUSH_HISTORY => Self::FlushHistory,
            RESEND => {
                Self::Resend { start: unsigned(reader.int()?)?, end: unsigned(reader.int()?)? }
            }
            NOTIFY_LAYER => Self::NotifyLayer(reader.int()?),
            TYPING => return boxed(reader.rest()).map(Self::Typing).ok_or(Error::Malformed),
            REQUEST_KEY => {
                Self::RequestKey { exchange_id: reader.long()?, their_public: reader.bytes()? }
            }
            ACCEPT_KEY => Self::AcceptKey {
                exchange_id: reader.long()?,
                their_public: reader.bytes()?,
                fingerprint: reader.long()?,
            },
            COMMIT_KEY => {
                Self::CommitKey { exchange_id: reader.long()?, fingerprint: reader.long()? }
            }
            ABORT_KEY => Self::AbortKey { exchange_id: reader.long()? },
            NOOP => Self::Noop,
            _ => return boxed(action).map(Self::Unknown).ok_or(Error::Malformed),
        };
        reader.finish().map(|()| decoded)
    }
}

impl Action<'_> {
    /// Whether it concerns numbers, keys or layers, and not what people write.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::Resend { .. }
                | Self::NotifyLayer(_)
                | Self::RequestKey { .. }
                | Self::AcceptKey { .. }
                | Self::CommitKey { .. }
                | Self::AbortKey { .. }
                | Self::Noop
        )
    }

    /// Appends the action.
    ///
    /// [`Error::InvalidArgument`] for a number from 2³¹ on in `Resend`, more bytes or ids than TL
    /// can carry, and an opaque part that is no boxed value; part of the action may then be there.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::SetMessageTtl(seconds) => numbered(out, SET_MESSAGE_TTL, *seconds),
            Self::ReadMessages(ids) => return write_longs(out, READ_MESSAGES, ids),
            Self::DeleteMessages(ids) => return write_longs(out, DELETE_MESSAGES, ids),
            Self::ScreenshotMessages(ids) => return write_longs(out, SCREENSHOT_MESSAGES, ids),
            Self::FlushHistory => tl::write_id(out, FLUSH_HISTORY),
            Self::Resend { start, end } => {
                numbered(out, RESEND, signed(*start)?);
                tl::write_int(out, signed(*end)?);
            }
            Self::NotifyLayer(layer) => numbered(out, NOTIFY_LAYER, *layer),
            Self::Typing(doing) => {
                tl::write_id(out, TYPING);
                out.extend_from_slice(boxed(doing).ok_or(Error::InvalidArgument)?);
            }
            Self::RequestKey { exchange_id, their_public } => {
                exchange(out, REQUEST_KEY, *exchange_id);
                tl::write_bytes(out, their_public)?;
            }
            Self::AcceptKey { exchange_id, their_public, fingerprint } => {
                exchange(out, ACCEPT_KEY, *exchange_id);
                tl::write_bytes(out, their_public)?;
                tl::write_long(out, *fingerprint);
            }
            Self::CommitKey { exchange_id, fingerprint } => {
                exchange(out, COMMIT_KEY, *exchange_id);
                tl::write_long(out, *fingerprint);
            }
            Self::AbortKey { exchange_id } => exchange(out, ABORT_KEY, *exchange_id),
            Self::Noop => tl::write_id(out, NOOP),
            Self::Unknown(action) => {
                out.extend_from_slice(boxed(action).ok_or(Error::InvalidArgument)?);
            }
        }
        Ok(())
    }
}

/// A `decryptedMessageService` of layer 17 and later.
///
/// [`Error::InvalidArgument`] for an action that can not be encoded.
pub fn service(random_id: i64, action: &Action<'_>) -> Result<Vec<u8>, Error> {
    let mut message = Vec::new();
    tl::write_id(&mut message, Message::SERVICE);
    tl::write_long(&mut message, random_id);
    action.encode(&mut message)?;
    Ok(message)
}

/// The value, if it can be a boxed one: whole words, and one at least.
fn boxed(value: &[u8]) -> Option<&[u8]> {
    (!value.is_empty() && value.len().is_multiple_of(4)).then_some(value)
}

fn numbered(out: &mut Vec<u8>, id: u32, number: i32) {
    tl::write_id(out, id);
    tl::write_int(out, number);
}

fn exchange(out: &mut Vec<u8>, id: u32, exchange_id: i64) {
    tl::write_id(out, id);
    tl::write_long(out, exchange_id);
}

fn longs(reader: &mut TlReader<'_>) -> Result<Vec<i64>, Error> {
    let count = reader.vector(8)?;
    (0..count).map(|_| reader.long()).collect()
}

fn write_longs(out: &mut Vec<u8>, id: u32, longs: &[i64]) -> Result<(), Error> {
    tl::write_id(out, id);
    tl::write_vector_header(out, longs.len())?;
    for long in longs {
        tl::write_long(out, *long);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions() -> Vec<(u32, Action<'static>)> {
        let (exchange_id, fingerprint) = (-2, i64::MIN);
        vec![
            (SET_MESSAGE_TTL, Action::SetMessageTtl(60)),
            (READ_MESSAGES, Action::ReadMessages(vec![1, -1])),
            (DELETE_MESSAGES, Action::DeleteMessages(vec![])),
            (SCREENSHOT_MESSAGES, Action::ScreenshotMessages(vec![i64::MAX])),
            (FLUSH_HISTORY, Action::FlushHistory),
            (RESEND, Action::Resend { start: 1, end: 9 }),
            (NOTIFY_LAYER, Action::NotifyLayer(144)),
            (TYPING, Action::Typing(&[0x4e, 0x74, 0xbf, 0x16])),
            (REQUEST_KEY, Action::RequestKey { exchange_id, their_public: &[3; 256] }),
            (ACCEPT_KEY, Action::AcceptKey { exchange_id, their_public: &[3; 7], fingerprint }),
            (COMMIT_KEY, Action::CommitKey { exchange_id, fingerprint }),
            (ABORT_KEY, Action::AbortKey { exchange_id }),
            (NOOP, Action::Noop),
        ]
    }

    fn encoded(action: &Action<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        action.encode(&mut out).unwrap();
        out
    }

    #[test]
    fn every_action_is_read_back() {
        for (id, action) in actions() {
            let out = encoded(&action);

            assert_eq!(id.to_le_bytes(), out[..4]);
            assert_eq!(Ok(action), Action::decode(&out));
        }
    }

    #[test]
    fn every_action_that_was_cut_or_extended_is_refused() {
        for (_, action) in actions() {
            let mut out = encoded(&action);
            for cut in 0..out.len() {
                assert_eq!(Err(Error::Malformed), Action::decode(&out[..cut]));
            }
            if !matches!(action, Action::Typing(_)) {
                out.extend_from_slice(&[0; 4]);
                assert_eq!(Err(Error::Malformed), Action::decode(&out));
            }
        }
    }

    #[test]
    fn an_unknown_action_keeps_its_bytes() {
        let action = [9, 8, 7, 6, 5, 4, 3, 2];

        assert_eq!(Ok(Action::Unknown(&action)), Action::decode(&action));
        assert_eq!(action.to_vec(), encoded(&Action::Unknown(&action)));
        assert_eq!(Err(Error::Malformed), Action::decode(&action[..7]));
    }

    #[test]
    fn numbers_of_a_resend_are_never_below_zero() {
        let mut out = encoded(&Action::Resend { start: 1, end: 9 });
        out[7] = 0x80;

        assert_eq!(Err(Error::Malformed), Action::decode(&out));
        let too_large = Action::Resend { start: 0, end: 1 << 31 };
        assert_eq!(Err(Error::InvalidArgument), too_large.encode(&mut Vec::new()));
    }

    #[test]
    fn opaque_parts_are_whole_words() {
        for part in [&[][..], &[1; 3]] {
            for action in [Action::Typing(part), Action::Unknown(part)] {
                assert_eq!(Err(Error::InvalidArgument), action.encode(&mut Vec::new()));
            }
        }
    }
}
