// SPDX-License-Identifier: MIT OR Apache-2.0
//! The groups of an account in Python's hands (signal.md §9; docs/storage.md, "Steps").

#![expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]

use e2ee_signal::account::{
    Account as CoreAccount, Environment, GroupChange, GroupId, Invitation, Member, SealedToGroup,
};
use pyo3::{IntoPyObjectExt, exceptions::PyTypeError, prelude::*, types::PyBytes};

use crate::{
    account::Account,
    convert::{self, Peer},
    kept::{Kept, LONG},
    step::Step,
};

/// What an account does with groups; the account itself keeps nothing of them in memory.
#[pyclass(frozen, module = "e2ee._core")]
pub struct Groups {
    account: Py<Account>,
}

impl Groups {
    fn change(
        &self,
        transaction: &Bound<'_, PyAny>,
        id: &GroupId,
        change: GroupChange<'_>,
    ) -> PyResult<Step> {
        let py = transaction.py();
        let work = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.change_group(id, change, inside)
        };
        Account::step(self.account.bind(py), (transaction, false), work, convert::nothing)
            .map_err(|refusal| refusal.raise(py))
    }
}

#[pymethods]
impl Groups {
    /// The groups of this account.
    #[new]
    const fn new(account: Py<Account>) -> Self {
        Self { account }
    }

    /// Makes a group; the result is its id.
    fn create(
        &self,
        transaction: &Bound<'_, PyAny>,
        group_id: Option<GroupId>,
        members: Vec<Peer<'_>>,
    ) -> PyResult<Step> {
        let py = transaction.py();
        let members: Vec<_> = members.iter().map(Peer::get).collect();
        let create = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.create_group(group_id, &members, inside)
        };
        Account::step(self.account.bind(py), (transaction, false), create, id_output)
            .map_err(|refusal| refusal.raise(py))
    }

    /// The ids of all groups.
    fn ids<'py>(&self, transaction: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let py = transaction.py();
        let account = self.account.get();
        let ids =
            account.call(transaction, false, |account, inside| account.groups(inside.records));
        let ids = ids.map_err(|refusal| refusal.raise(py))?;
        Ok(ids.iter().map(|id| PyBytes::new(py, id)).collect())
    }

    /// User and device of each member, and whether it needs an invitation.
    fn members(
        &self,
        transaction: &Bound<'_, PyAny>,
        group_id: GroupId,
    ) -> PyResult<Vec<(String, u8, bool)>> {
        let members = self.account.get().call(transaction, false, |account, inside| {
            account.group_members(&group_id, inside.records)
        });
        let members = members.map_err(|refusal| refusal.raise(transaction.py()))?;
        let row = |Member { user, device, pending }| (user, device.get(), pending);
        Ok(members.into_iter().map(row).collect())
    }

    /// Takes a device in.
    fn add(
        &self,
        transaction: &Bound<'_, PyAny>,
        group_id: GroupId,
        member: Peer<'_>,
    ) -> PyResult<Step> {
        let (user, device) = member.get();
        self.change(transaction, &group_id, GroupChange::Add(user, device))
    }

    /// Removes a device.
    fn remove(
        &self,
        transaction: &Bound<'_, PyAny>,
        group_id: GroupId,
        member: Peer<'_>,
    ) -> PyResult<Step> {
        let (user, device) = member.get();
        self.change(transaction, &group_id, GroupChange::Remove(user, device))
    }

    /// Forgets that a member was invited.
    fn reinvite(
        &self,
        transaction: &Bound<'_, PyAny>,
        group_id: GroupId,
        member: Peer<'_>,
    ) -> PyResult<Step> {
        let (user, device) = member.get();
        self.change(transaction, &group_id, GroupChange::Reinvite(user, device))
    }

    /// Ends our chain.
    fn rotate(&self, transaction: &Bound<'_, PyAny>, group_id: GroupId) -> PyResult<Step> {
        self.change(transaction, &group_id, GroupChange::Rotate)
    }

    /// Forgets a group.
    fn leave(&self, transaction: &Bound<'_, PyAny>, group_id: GroupId) -> PyResult<Step> {
        let py = transaction.py();
        let leave = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.leave_group(&group_id, inside)
        };
        Account::step(self.account.bind(py), (transaction, false), leave, convert::nothing)
            .map_err(|refusal| refusal.raise(py))
    }

    /// An envelope for each member that needs an invitation.
    fn invitations(&self, transaction: &Bound<'_, PyAny>, group_id: GroupId) -> PyResult<Step> {
        let py = transaction.py();
        let invite = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.invitations(&group_id, inside)
        };
        Account::step(self.account.bind(py), (transaction, true), invite, invitation_rows)
            .map_err(|refusal| refusal.raise(py))
    }

    /// Encrypts to all members.
    fn encrypt(
        &self,
        transaction: &Bound<'_, PyAny>,
        group_id: GroupId,
        plaintext: &[u8],
    ) -> PyResult<Step> {
        let py = transaction.py();
        let encrypt = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.encrypt_to_group(&group_id, plaintext, inside)
        };
        let long = plaintext.len() > LONG;
        Account::step(self.account.bind(py), (transaction, long), encrypt, convert::output)
            .map_err(|refusal| refusal.raise(py))
    }

    /// Encrypts to all members but some, and seals with a certificate.
    fn encrypt_sealed(
        &self,
        transaction: &Bound<'_, PyAny>,
        group_id: GroupId,
        plaintext: &[u8],
        certificate: &[u8],
        excluded: Vec<String>,
    ) -> PyResult<Step> {
        let py = transaction.py();
        let seal = SealedToGroup { plaintext, certificate, excluded: &excluded };
        let encrypt = |account: &mut CoreAccount, inside: &mut Environment<'_>| {
            account.encrypt_sealed_to_group(&group_id, seal, inside)
        };
        Account::step(self.account.bind(py), (transaction, true), encrypt, convert::output)
            .map_err(|refusal| refusal.raise(py))
    }

    fn __reduce__(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err("an account cannot be copied: open it again"))
    }
}

fn id_output(py: Python<'_>, id: GroupId) -> PyResult<Py<PyAny>> {
    PyBytes::new(py, &id).into_py_any(py)
}

fn invitation_rows(py: Python<'_>, invitations: Vec<Invitation>) -> PyResult<Py<PyAny>> {
    let row =
        |Invitation { user, device, envelope }| (user, device.get(), PyBytes::new(py, &envelope));
    invitations.into_iter().map(row).collect::<Vec<_>>().into_py_any(py)
}
