// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the application says in a chat, as `e2ee.mtproto` reads and writes it
//! (mtproto_secret_chats.md §3). What is `random_id` in TL is `message_id` there.

use e2ee_mtproto::{
    action::{Action, service},
    message::Message,
    text::Text,
};
use e2ee_wire::Error;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyString},
};

use crate::errors;

/// A text without its random id: lifetime, text, what it answers, and whether it is silent.
type TextRow<'py> = (i32, Bound<'py, PyString>, Option<i64>, bool);
/// What a service message says: in one word, and with numbers and bytes.
type ActionRow<'py> = (&'static str, Vec<i64>, Bound<'py, PyBytes>);
/// The random id of a message, and a text with the bytes behind it that were not read, or what a
/// service message says.
type MessageRow<'py> =
    (Option<i64>, Option<(TextRow<'py>, Bound<'py, PyBytes>)>, Option<ActionRow<'py>>);

/// A text as a message.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "what is extracted is given by value")]
pub fn mtproto_write_text(
    py: Python<'_>,
    message_id: i64,
    text: (i32, String, Option<i64>, bool),
) -> PyResult<Bound<'_, PyBytes>> {
    let (ttl, ref text, reply_to, silent) = text;
    let written = Text { random_id: message_id, ttl, text, reply_to, silent }.encode();
    Ok(PyBytes::new(py, &written.map_err(|error| errors::protocol(py, error))?))
}

/// A service message.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "what is extracted is given by value")]
pub fn mtproto_write_service(
    py: Python<'_>,
    message_id: i64,
    action: (String, Vec<i64>, Vec<u8>),
) -> PyResult<Bound<'_, PyBytes>> {
    let written = action_of(&action).and_then(|action| service(message_id, &action));
    Ok(PyBytes::new(py, &written.map_err(|error| errors::protocol(py, error))?))
}

/// What a message is; that of another constructor has no row, and that of an unknown one no id.
#[pyfunction]
pub fn mtproto_read_message<'py>(py: Python<'py>, message: &[u8]) -> PyResult<MessageRow<'py>> {
    read(py, message).map_err(|error| errors::protocol(py, error))
}

fn read<'py>(py: Python<'py>, message: &[u8]) -> Result<MessageRow<'py>, Error> {
    Ok(match Message::decode(message)? {
        Message::Service { random_id, action } => {
            (Some(random_id), None, Some(action_row(py, action)?))
        }
        Message::Content { random_id } => {
            let row = |(text, unread): (Text<'_>, &[u8])| {
                let Text { ttl, text, reply_to, silent, .. } = text;
                let shown = (ttl, PyString::new(py, text), reply_to, silent);
                (shown, PyBytes::new(py, unread))
            };
            (Some(random_id), Text::decode(message)?.map(row), None)
        }
        Message::Unknown => (None, None, None),
    })
}

/// The action that a row says.
fn action_of((word, numbers, encoded): &(String, Vec<i64>, Vec<u8>)) -> Result<Action<'_>, Error> {
    let ids = || numbers.clone();
    Ok(match (word.as_str(), numbers.as_slice()) {
        ("ttl", [seconds]) => {
            Action::SetMessageTtl(i32::try_from(*seconds).map_err(|_| Error::InvalidArgument)?)
        }
        ("read", _) => Action::ReadMessages(ids()),
        ("delete", _) => Action::DeleteMessages(ids()),
        ("screenshot", _) => Action::ScreenshotMessages(ids()),
        ("flush", []) => Action::FlushHistory,
        ("typing", []) => Action::Typing(encoded),
        ("other", []) => Action::Unknown(encoded),
        _ => return Err(Error::InvalidArgument),
    })
}

/// What an action says; those that are no affair of the application are shown as they are.
fn action_row<'py>(py: Python<'py>, action: Action<'_>) -> Result<ActionRow<'py>, Error> {
    let plain = |word, numbers| (word, numbers, PyBytes::new(py, &[]));
    Ok(match action {
        Action::SetMessageTtl(seconds) => plain("ttl", vec![i64::from(seconds)]),
        Action::ReadMessages(ids) => plain("read", ids),
        Action::DeleteMessages(ids) => plain("delete", ids),
        Action::ScreenshotMessages(ids) => plain("screenshot", ids),
        Action::FlushHistory => plain("flush", vec![]),
        Action::Typing(doing) => ("typing", vec![], PyBytes::new(py, doing)),
        other => {
            let mut encoded = Vec::new();
            other.encode(&mut encoded)?;
            ("other", vec![], PyBytes::new(py, &encoded))
        }
    })
}
