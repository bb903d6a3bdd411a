// SPDX-License-Identifier: MIT OR Apache-2.0
//! Secret chats over a store in Python's hands (mtproto_secret_chats.md §1, §5 and §6;
//! docs/storage.md, "Steps").

#![expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]

use e2ee_account::{Environment, Vault, rekey::Rekeying};
use e2ee_mtproto::{
    chat::Change,
    role::Role,
    stored::{
        Accepted, Agreed, ChatId, ChatState, Mtproto, OfLayer, Offered, Outgoing, Reception,
        SecretChats as Core,
    },
};
use e2ee_state::{Failure, Step as CoreStep, Write};
use pyo3::{IntoPyObjectExt, exceptions::PyTypeError, prelude::*, types::PyBytes};

use crate::{
    convert::{self, ContentRow, Entry, PyContent, PyDevice},
    errors,
    kept::Kept,
    of_protocol,
    own::Own,
    secret::StoreSecret,
    step::{Step, Unspent},
    transaction,
};

use super::group::DhGroup;

/// The chats of a store, as one process knows them.
#[pyclass(frozen, module = "e2ee._core")]
pub struct SecretChats {
    /// Whose chats they are.
    #[pyo3(get)]
    user: String,
    inner: Own<Core>,
}

impl SecretChats {
    /// Chats that were opened.
    pub fn new(inner: Core) -> Self {
        Self { user: inner.user().to_owned(), inner: Own::new(inner) }
    }

    /// A step about one chat, whose result is what leaves.
    fn leaves(
        slf: &Bound<'_, Self>,
        (transaction, long): (&Bound<'_, PyAny>, bool),
        work: impl FnOnce(&mut Core, &mut Environment<'_>) -> crate::kept::Stepped<Vec<Outgoing>> + Send,
    ) -> PyResult<Step> {
        let step = Self::step(slf, (transaction, long), work, all_outgoing);
        step.map_err(|refusal| refusal.raise(slf.py()))
    }
}

impl Kept for SecretChats {
    type Core = Core;
    type Protocol = Mtproto;

    fn own(&self) -> &Own<Core> {
        &self.inner
    }

    fn vault(core: &mut Core) -> &mut Vault<Mtproto> {
        core.vault()
    }

    fn rekey_next(
        core: &mut Core,
        change: &mut Rekeying,
        environment: &mut Environment<'_>,
    ) -> Result<Vec<Write>, Failure> {
        core.rekey_next(change, environment)
    }
}

#[pymethods]
impl SecretChats {
    /// Makes an empty store one of chats.
    #[staticmethod]
    fn create(
        py: Python<'_>,
        secret: &StoreSecret,
        transaction: Py<PyAny>,
        user: &str,
        layer: i32,
    ) -> PyResult<Step> {
        let create = |environment: &mut Environment<'_>| {
            Core::create(&secret.inner, (user, layer), environment)
        };
        let step = py.detach(|| transaction::within(transaction, create));
        let CoreStep { writes, result } = step.map_err(|refusal| refusal.raise(py))?;
        let release = |py: Python<'_>| Self::new(result).into_py_any(py);
        Step::new(py, writes, Unspent(release))
    }

    /// Opens the chats of a store.
    #[staticmethod]
    fn open(py: Python<'_>, secret: &StoreSecret, transaction: Py<PyAny>) -> PyResult<Self> {
        of_protocol::open_chats(py, secret, transaction).map(Self::new)
    }

    /// Ties a store without an anchor to the one that it was given.
    fn tie(slf: &Bound<'_, Self>, transaction: &Bound<'_, PyAny>) -> PyResult<Step> {
        Self::tied(slf, transaction)
    }

    /// Begins a chat; the result is its number and `g_a`, 256 bytes.
    fn offer(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        peer: &str,
        group: &DhGroup,
    ) -> PyResult<Step> {
        let offer = |chats: &mut Core, inside: &mut Environment<'_>| {
            chats.offer(peer, (group.inner.clone(), &[]), inside)
        };
        Self::step(slf, (transaction, true), offer, offered)
            .map_err(|refusal| refusal.raise(slf.py()))
    }

    /// Takes part in a chat; the result is `g_b`, the fingerprint, and what follows.
    fn accept(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        chat: (i32, String),
        their_public: &[u8],
        group: &DhGroup,
    ) -> PyResult<Step> {
        let accept = |chats: &mut Core, inside: &mut Environment<'_>| {
            let whom = (ChatId(chat.0), chat.1.as_str());
            chats.accept(whom, their_public, (group.inner.clone(), &[]), inside)
        };
        Self::step(slf, (transaction, true), accept, accepted)
            .map_err(|refusal| refusal.raise(slf.py()))
    }

    /// Takes the answer to an offer; the result is what follows.
    fn confirm(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        chat_id: i32,
        their_public: &[u8],
        fingerprint: i64,
    ) -> PyResult<Step> {
        Self::leaves(slf, (transaction, true), |chats, inside| {
            chats.confirm(ChatId(chat_id), (their_public, fingerprint), inside)
        })
    }

    /// Makes a message of a TL object.
    fn encrypt(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        chat_id: i32,
        message: &[u8],
    ) -> PyResult<Step> {
        Self::leaves(slf, (transaction, true), |chats, inside| {
            chats.encrypt(ChatId(chat_id), message, inside)
        })
    }

    /// Takes in a message; the result is messages in their turn, changes, and what leaves.
    fn receive(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        chat_id: i32,
        message: &[u8],
    ) -> PyResult<Step> {
        let receive = |chats: &mut Core, inside: &mut Environment<'_>| {
            chats.receive(ChatId(chat_id), message, inside)
        };
        Self::step(slf, (transaction, true), receive, reception)
            .map_err(|refusal| errors::in_chat(slf.py(), refusal))
    }

    /// Asks for the next key now.
    fn change_key(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        chat_id: i32,
    ) -> PyResult<Step> {
        Self::leaves(slf, (transaction, true), |chats, inside| {
            chats.change_key(ChatId(chat_id), inside)
        })
    }

    /// Asks once more for what is missing.
    fn ask_again(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        chat_id: i32,
    ) -> PyResult<Step> {
        Self::leaves(slf, (transaction, false), |chats, inside| {
            chats.ask_again(ChatId(chat_id), inside)
        })
    }

    /// Deletes messages of ours at the other end.
    fn delete_messages(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        chat_id: i32,
        message_ids: Vec<i64>,
    ) -> PyResult<Step> {
        Self::leaves(slf, (transaction, true), |chats, inside| {
            chats.delete_messages(ChatId(chat_id), &message_ids, inside)
        })
    }

    /// Takes note that the carrier has a message.
    fn posted(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        chat_id: i32,
        number: u32,
    ) -> PyResult<Step> {
        let posted = |chats: &mut Core, inside: &mut Environment<'_>| {
            chats.posted(ChatId(chat_id), number, inside)
        };
        Self::step(slf, (transaction, false), posted, convert::nothing)
            .map_err(|refusal| refusal.raise(slf.py()))
    }

    /// What the carrier may not have.
    fn unposted<'py>(
        &self,
        transaction: &Bound<'py, PyAny>,
        chat_id: i32,
    ) -> PyResult<Vec<OutgoingRow<'py>>> {
        let py = transaction.py();
        let found = self.call(transaction, true, |chats, inside| {
            chats.unposted(ChatId(chat_id), inside.records)
        });
        let found = found.map_err(|refusal| refusal.raise(py))?;
        Ok(found.into_iter().map(|each| outgoing(py, each)).collect())
    }

    /// One chat.
    fn chat<'py>(&self, transaction: &Bound<'py, PyAny>, chat_id: i32) -> PyResult<ChatRow<'py>> {
        let py = transaction.py();
        let found = self
            .call(transaction, false, |chats, inside| chats.chat(ChatId(chat_id), inside.records));
        found.map(|state| row(py, state)).map_err(|refusal| refusal.raise(py))
    }

    /// All chats.
    fn chats<'py>(&self, transaction: &Bound<'py, PyAny>) -> PyResult<Vec<ChatRow<'py>>> {
        let py = transaction.py();
        let found = self.call(transaction, true, |chats, inside| chats.chats(inside.records));
        let found = found.map_err(|refusal| refusal.raise(py))?;
        Ok(found.into_iter().map(|state| row(py, state)).collect())
    }

    /// Forgets a chat.
    fn close(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        chat_id: i32,
    ) -> PyResult<Step> {
        let close =
            |chats: &mut Core, inside: &mut Environment<'_>| chats.close(ChatId(chat_id), inside);
        Self::step(slf, (transaction, true), close, convert::nothing)
            .map_err(|refusal| refusal.raise(slf.py()))
    }

    /// Closes all chats of a store that was set back; the result is their numbers.
    fn heal(slf: &Bound<'_, Self>, transaction: &Bound<'_, PyAny>) -> PyResult<Step> {
        Self::step(slf, (transaction, true), Core::heal, numbers)
            .map_err(|refusal| refusal.raise(slf.py()))
    }

    /// The same for a copy that becomes a store of its own.
    fn heal_copy(slf: &Bound<'_, Self>, transaction: &Bound<'_, PyAny>) -> PyResult<Step> {
        Self::step(slf, (transaction, true), Core::heal_copy, numbers)
            .map_err(|refusal| refusal.raise(slf.py()))
    }

    /// The messages that wait, oldest first.
    fn inbox<'py>(&self, transaction: &Bound<'py, PyAny>) -> PyResult<Vec<Entry<'py, ChatId>>> {
        self.waiting(transaction)
    }

    /// Takes a message out of the inbox; the result says whether it was there.
    fn handled(
        slf: &Bound<'_, Self>,
        transaction: &Bound<'_, PyAny>,
        inbox_id: &str,
    ) -> PyResult<Step> {
        Self::handles(slf, transaction, inbox_id)
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("secret chats cannot be copied: open them again"))
    }
}

impl PyDevice for ChatId {
    type Shown = i32;

    fn read(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        value.extract().map(Self)
    }

    fn shown(self) -> i32 {
        self.0
    }
}

impl PyContent for OfLayer {
    /// The layer stands where other protocols have a time.
    fn row(self) -> ContentRow {
        ("message", None, u64::try_from(self.0).ok())
    }
}

/// Number, random id, whether it is a service message, and the bytes.
type OutgoingRow<'py> = (u32, i64, bool, Bound<'py, PyBytes>);
/// Number, the other end's name, and what both have agreed on, if they have.
type ChatRow<'py> = (i32, String, Option<AgreedRow<'py>>);
/// Whether we have created it, the picture of the key, its fingerprint; our layer and theirs; how
/// many were sent, acknowledged and received, and whether any is missing.
type AgreedRow<'py> = (bool, Bound<'py, PyBytes>, i64, (i32, i32), (u32, u32, u32, bool));

fn outgoing(py: Python<'_>, leaving: Outgoing) -> OutgoingRow<'_> {
    let Outgoing { number, random_id, is_service, wire } = leaving;
    (number, random_id, is_service, PyBytes::new(py, &wire))
}

fn rows(py: Python<'_>, leaving: Vec<Outgoing>) -> Vec<OutgoingRow<'_>> {
    leaving.into_iter().map(|each| outgoing(py, each)).collect()
}

fn all_outgoing(py: Python<'_>, leaving: Vec<Outgoing>) -> PyResult<Py<PyAny>> {
    rows(py, leaving).into_py_any(py)
}

fn numbers(py: Python<'_>, ids: Vec<ChatId>) -> PyResult<Py<PyAny>> {
    ids.into_iter().map(|id| id.0).collect::<Vec<_>>().into_py_any(py)
}

fn offered(py: Python<'_>, offered: Offered) -> PyResult<Py<PyAny>> {
    (offered.id.0, PyBytes::new(py, &offered.public)).into_py_any(py)
}

fn accepted(py: Python<'_>, accepted: Accepted) -> PyResult<Py<PyAny>> {
    let Accepted { public, fingerprint, outgoing } = accepted;
    (PyBytes::new(py, &public), fingerprint, rows(py, outgoing)).into_py_any(py)
}

fn reception(py: Python<'_>, reception: Reception) -> PyResult<Py<PyAny>> {
    let Reception { messages, changes, outgoing } = reception;
    let messages: Vec<_> =
        messages.into_iter().map(|message| convert::entry(py, message)).collect();
    let changes: Vec<_> = changes.into_iter().map(change).collect();
    (messages, changes, rows(py, outgoing)).into_py_any(py)
}

fn change(change: Change) -> (&'static str, i64) {
    match change {
        Change::Layer(layer) => ("layer", layer.into()),
        Change::Key(fingerprint) => ("key", fingerprint),
    }
}

fn row(py: Python<'_>, state: ChatState) -> ChatRow<'_> {
    let agreed = state.agreed.map(|agreed| {
        let Agreed { role, picture, fingerprint, layer, their_layer, .. } = agreed;
        let Agreed { sent, acknowledged, received, is_missing_any, .. } = agreed;
        let picture = PyBytes::new(py, picture.as_bytes());
        let counts = (sent, acknowledged, received, is_missing_any);
        (role == Role::Originator, picture, fingerprint, (layer, their_layer), counts)
    });
    (state.id.0, state.peer, agreed)
}
