// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plain texts, for applications that have no TL of their own (mtproto_secret_chats.md §3,
//! `decryptedMessage` of layer 73).

use core::fmt;

use e2ee_wire::{
    Error,
    tl::{self, TlReader},
};

use crate::message::Message;

/// The flag of a message that answers another one.
const REPLY: u32 = 1 << 3;
/// The flag of a message that comes without a sound.
const SILENT: u32 = 1 << 5;

/// A message that is a text and nothing else.
#[derive(PartialEq, Eq)]
pub struct Text<'a> {
    /// What the sender calls the message.
    pub random_id: i64,
    /// After so many seconds since it was read it destroys itself; 0: never.
    pub ttl: i32,
    /// What it says.
    pub text: &'a str,
    /// The random id of the message that it answers.
    pub reply_to: Option<i64>,
    /// Whether it comes without a sound.
    pub silent: bool,
}

impl<'a> Text<'a> {
    /// The text of a message, and the bytes of the fields that are not read; nothing for a message
    /// that is not of layer 73 or 46.
    ///
    /// Not read are the fields behind the text if there are media, entities, or anything else than
    /// [`Text`] has; what such a message answers is not said here.
    ///
    /// [`Error::Malformed`] for a message that ends early, and for bytes behind a text.
    pub fn decode(message: &'a [u8]) -> Result<Option<(Self, &'a [u8])>, Error> {
        let mut reader = TlReader::new(message);
        if ![Message::CONTENT, Message::CONTENT_46].contains(&reader.id()?) {
            return Ok(None);
        }
        let flags = reader.id()?;
        let mut text = Text {
            random_id: reader.long()?,
            ttl: reader.int()?,
            text: reader.string()?,
            reply_to: None,
            silent: flags & SILENT != 0,
        };
        if flags & !(REPLY | SILENT) != 0 {
            return Ok(Some((text, reader.rest())));
        }
        if flags & REPLY != 0 {
            text.reply_to = Some(reader.long()?);
        }
        reader.finish().map(|()| Some((text, &[][..])))
    }

    /// The message, as of layer 73.
    ///
    /// [`Error::InvalidArgument`] for a text of 2²⁴ bytes and more.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let reply = if self.reply_to.is_some() { REPLY } else { 0 };
        let silent = if self.silent { SILENT } else { 0 };
        let mut message = Vec::new();
        tl::write_id(&mut message, Message::CONTENT);
        tl::write_id(&mut message, reply | silent);
        tl::write_long(&mut message, self.random_id);
        tl::write_int(&mut message, self.ttl);
        tl::write_bytes(&mut message, self.text.as_bytes())?;
        if let Some(random_id) = self.reply_to {
            tl::write_long(&mut message, random_id);
        }
        Ok(message)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Text").field("random_id", &self.random_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Text<'_> =
        Text { random_id: -3, ttl: 0, text: "Grüße", reply_to: None, silent: false };

    fn everything() -> Text<'static> {
        Text { ttl: 60, reply_to: Some(i64::MIN), silent: true, ..PLAIN }
    }

    #[test]
    fn a_text_is_read_back() {
        for text in [PLAIN, everything()] {
            let message = text.encode().unwrap();

            assert_eq!(Ok(Some((text, &[][..]))), Text::decode(&message));
            assert_eq!(Ok(Message::Content { random_id: -3 }), Message::decode(&message));
        }
    }

    #[test]
    fn what_is_more_than_a_text_is_left_unread() {
        let mut message = everything().encode().unwrap();
        message[5] |= 2; // media

        let (text, unread) = Text::decode(&message).unwrap().unwrap();

        assert_eq!(Text { reply_to: None, ..everything() }, text);
        assert_eq!(i64::MIN.to_le_bytes(), unread);
    }

    #[test]
    fn a_text_that_was_cut_or_extended_is_refused() {
        let mut message = everything().encode().unwrap();
        for cut in 0..message.len() {
            assert_eq!(Err(Error::Malformed), Text::decode(&message[..cut]));
        }
        message.extend_from_slice(&[0; 4]);
        assert_eq!(Err(Error::Malformed), Text::decode(&message));
    }

    #[test]
    fn a_message_of_another_constructor_is_left_alone() {
        let mut message = PLAIN.encode().unwrap();
        message[0] ^= 1;

        assert_eq!(Ok(None), Text::decode(&message));
    }

    #[test]
    fn debug_does_not_show_the_text() {
        assert_eq!("Text { random_id: -3, .. }", format!("{PLAIN:?}"));
    }
}
