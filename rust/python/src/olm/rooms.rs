// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rooms of an account of Olm in Python's hands: the methods of `Groups`, under the same names,
//! and what only rooms have (olm_megolm.md §2 and §8; docs/storage.md, "Steps").

#![expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]

use e2ee_account::Environment;
use e2ee_olm::stored::{
    DeviceId, ForeignKey, Invitation, Member, RoomChange, RoomId, Rotation, StoredAccount, Taken,
};
use e2ee_primitives::{SecretBytes, ed25519};
use e2ee_wire::Error;
use pyo3::{
    IntoPyObjectExt,
    exceptions::PyTypeError,
    prelude::*,
    pybacked::{PyBackedBytes, PyBackedStr},
    types::{PyBytes, PyList},
};

use crate::{
    convert::{self, Peer},
    errors,
    kept::{Kept, LONG},
    step::Step,
};

use super::{OlmStoredAccount, public_key};

/// What an account does with rooms; the account itself keeps nothing of them in memory.
#[pyclass(frozen, module = "e2ee._core")]
pub struct OlmRooms {
    account: Py<OlmStoredAccount>,
}

/// A key that is to be imported: room, sender's Curve25519 and Ed25519 key, the keys of those that
/// gave it on, session id, and the exported session of 165 bytes.
type KeyRow = (
    PyBackedStr,
    PyBackedBytes,
    Option<PyBackedBytes>,
    Vec<PyBackedBytes>,
    PyBackedBytes,
    PyBackedBytes,
);

impl OlmRooms {
    fn change(
        &self,
        transaction: &Bound<'_, PyAny>,
        room: &str,
        change: RoomChange<'_>,
    ) -> PyResult<Step> {
        let py = transaction.py();
        let work = |account: &mut StoredAccount, inside: &mut Environment<'_>| {
            account.change_room(&RoomId::new(room)?, change, inside)
        };
        let account = self.account.bind(py);
        OlmStoredAccount::step(account, (transaction, false), work, convert::nothing)
            .map_err(|refusal| refusal.raise(py))
    }
}

#[pymethods]
impl OlmRooms {
    /// The rooms of this account.
    #[new]
    const fn new(account: Py<OlmStoredAccount>) -> Self {
        Self { account }
    }

    /// Makes a room; the result is its id.
    fn create(
        &self,
        transaction: &Bound<'_, PyAny>,
        group_id: String,
        members: Vec<Peer<'_, DeviceId>>,
    ) -> PyResult<Step> {
        let py = transaction.py();
        let members: Vec<_> = members.iter().map(Peer::named).collect();
        let create = |account: &mut StoredAccount, inside: &mut Environment<'_>| {
            account.create_room(&RoomId::new(&group_id)?, &members, inside)
        };
        let made = group_id.clone();
        let id = move |py: Python<'_>, ()| made.into_py_any(py);
        OlmStoredAccount::step(self.account.bind(py), (transaction, false), create, id)
            .map_err(|refusal| refusal.raise(py))
    }

    /// The ids of all rooms.
    fn ids(&self, transaction: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
        let account = self.account.get();
        let ids = account.call(transaction, false, |account, inside| account.rooms(inside.records));
        let ids = ids.map_err(|refusal| refusal.raise(transaction.py()))?;
        Ok(ids.iter().map(|id| id.as_str().to_owned()).collect())
    }

    /// User and device of each member, and whether it needs an invitation.
    fn members(
        &self,
        transaction: &Bound<'_, PyAny>,
        group_id: &str,
    ) -> PyResult<Vec<(String, String, bool)>> {
        let members = self.account.get().call(transaction, false, |account, inside| {
            account.room_members(&RoomId::new(group_id)?, inside)
        });
        let members = members.map_err(|refusal| refusal.raise(transaction.py()))?;
        let row = |Member { user, device, pending }| (user, device.as_str().to_owned(), pending);
        Ok(members.into_iter().map(row).collect())
    }

    /// Takes a device in.
    fn add(
        &self,
        transaction: &Bound<'_, PyAny>,
        group_id: &str,
        member: Peer<'_, DeviceId>,
    ) -> PyResult<Step> {
        let (user, device) = member.named();
        self.change(transaction, group_id, RoomChange::Add(user, device))
    }

    /// Removes a device.
    fn remove(
        &self,
        transaction: &Bound<'_, PyAny>,
        group_id: &str,
        member: Peer<'_, DeviceId>,
    ) -> PyResult<Step> {
        let (user, device) = member.named();
        self.change(transaction, group_id, RoomChange::Remove(user, device))
    }

    /// Forgets that a member was invited.
    fn reinvite(
        &self,
        transaction: &Bound<'_, PyAny>,
        group_id: &str,
        member: Peer<'_, DeviceId>,
    ) -> PyResult<Step> {
        let (user, device) = member.named();
        self.change(transaction, group_id, RoomChange::Reinvite(user, device))
    }

    /// Ends our session.
    fn rotate(&self, transaction: &Bound<'_, PyAny>, group_id: &str) -> PyResult<Step> {
        self.change(transaction, group_id, RoomChange::Rotate)
    }

    /// Says after how many messages and milliseconds our sessions end.
    fn rotate_after(
        &self,
        transaction: &Bound<'_, PyAny>,
        group_id: &str,
        messages: u64,
        period_ms: u64,
    ) -> PyResult<Step> {
        // A number that does not fit is above every limit.
        let messages = u32::try_from(messages).unwrap_or(u32::MAX);
        let rotation = Rotation::after(messages, period_ms);
        self.change(transaction, group_id, RoomChange::RotateAfter(rotation))
    }

    /// Forgets a room.
    fn leave(&self, transaction: &Bound<'_, PyAny>, group_id: &str) -> PyResult<Step> {
        let py = transaction.py();
        let leave = |account: &mut StoredAccount, inside: &mut Environment<'_>| {
            account.leave_room(&RoomId::new(group_id)?, inside)
        };
        let account = self.account.bind(py);
        OlmStoredAccount::step(account, (transaction, false), leave, convert::nothing)
            .map_err(|refusal| refusal.raise(py))
    }

    /// An envelope for each member that needs an invitation.
    fn invitations(&self, transaction: &Bound<'_, PyAny>, group_id: &str) -> PyResult<Step> {
        let py = transaction.py();
        let invite = |account: &mut StoredAccount, inside: &mut Environment<'_>| {
            account.room_invitations(&RoomId::new(group_id)?, inside)
        };
        let account = self.account.bind(py);
        OlmStoredAccount::step(account, (transaction, true), invite, invitation_rows)
            .map_err(|refusal| refusal.raise(py))
    }

    /// Encrypts to all members.
    fn encrypt(
        &self,
        transaction: &Bound<'_, PyAny>,
        group_id: &str,
        plaintext: &[u8],
    ) -> PyResult<Step> {
        let py = transaction.py();
        let encrypt = |account: &mut StoredAccount, inside: &mut Environment<'_>| {
            account.encrypt_to_room(&RoomId::new(group_id)?, plaintext, inside)
        };
        let (account, long) = (self.account.bind(py), plaintext.len() > LONG);
        OlmStoredAccount::step(account, (transaction, long), encrypt, convert::output)
            .map_err(|refusal| refusal.raise(py))
    }

    /// The received keys of all rooms, or of one, in the form in which they are imported, and
    /// whether each came from its sender.
    fn export_keys<'py>(
        &self,
        transaction: &Bound<'py, PyAny>,
        group_id: Option<&str>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = transaction.py();
        let keys = self.account.get().call(transaction, true, |account, inside| {
            let room = group_id.map(RoomId::new).transpose()?;
            account.export_room_keys(room.as_ref(), inside.records)
        });
        let keys = keys.map_err(|refusal| refusal.raise(py))?;
        PyList::new(py, keys.iter().map(|key| exported(py, key)))
    }

    /// Takes keys in; the result holds for each whether something in it was new, or an exception.
    fn import_keys(&self, transaction: &Bound<'_, PyAny>, keys: Vec<KeyRow>) -> PyResult<Step> {
        let py = transaction.py();
        let import = |account: &mut StoredAccount, inside: &mut Environment<'_>| {
            account.import_room_keys(keys.iter().map(imported).collect(), inside)
        };
        OlmStoredAccount::step(self.account.bind(py), (transaction, true), import, taken_rows)
            .map_err(|refusal| refusal.raise(py))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("an account cannot be copied: open it again"))
    }
}

fn invitation_rows(py: Python<'_>, invitations: Vec<Invitation>) -> PyResult<Py<PyAny>> {
    let row = |Invitation { user, device, envelope }| {
        let device: DeviceId = device;
        (user, device.as_str().to_owned(), PyBytes::new(py, &envelope))
    };
    invitations.into_iter().map(row).collect::<Vec<_>>().into_py_any(py)
}

type ExportedRow<'py> = (
    String,
    Bound<'py, PyBytes>,
    Option<Bound<'py, PyBytes>>,
    Vec<Bound<'py, PyBytes>>,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    bool,
);

/// A key as Python sees it. Python's copy is not wiped.
fn exported<'py>(py: Python<'py>, key: &ForeignKey) -> ExportedRow<'py> {
    let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
    (
        key.room.as_str().to_owned(),
        bytes(key.sender.as_bytes()),
        key.signing_key.map(|key| bytes(key.as_bytes())),
        key.forwarders.iter().map(|key| bytes(key.as_bytes())).collect(),
        bytes(&key.session_id),
        bytes(key.session_key.expose()),
        key.is_authenticated,
    )
}

fn imported(row: &KeyRow) -> Result<ForeignKey, Error> {
    let (room, sender, signing_key, forwarders, session_id, session_key) = row;
    let signing_key = signing_key
        .as_ref()
        .map(|key| key[..].try_into().map(ed25519::PublicKey::new).map_err(|_| Error::InvalidKey));
    Ok(ForeignKey {
        room: RoomId::new(room).map_err(|_| Error::Malformed)?,
        sender: public_key(sender)?,
        signing_key: signing_key.transpose()?,
        forwarders: forwarders.iter().map(|key| public_key(key)).collect::<Result<_, _>>()?,
        session_id: session_id[..].try_into().map_err(|_| Error::Malformed)?,
        session_key: SecretBytes::new(session_key.to_vec()),
        is_authenticated: false,
    })
}

fn taken_rows(py: Python<'_>, results: Vec<Result<Taken, Error>>) -> PyResult<Py<PyAny>> {
    let row = |result: Result<Taken, Error>| match result {
        Ok(taken) => (taken == Taken::New).into_py_any(py),
        Err(error) => Ok(errors::protocol(py, error).into_value(py).into_any()),
    };
    results.into_iter().map(row).collect::<PyResult<Vec<_>>>()?.into_py_any(py)
}
