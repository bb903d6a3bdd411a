// SPDX-License-Identifier: MIT OR Apache-2.0
//! What libsignal's stores hold, on its way into an account (docs/guides/import.md).

#![expect(clippy::needless_pass_by_value, reason = "arguments that are made for a call are owned")]

use e2ee_signal::{
    DeviceId,
    account::{Account as CoreAccount, Environment, GroupId},
    import::{self, ChainName, LibsignalRecords, Report},
};
use e2ee_state::Step as CoreStep;
use e2ee_wire::Error;
use pyo3::{IntoPyObjectExt, prelude::*, pybacked::PyBackedBytes};

use crate::{
    convert::Peer,
    secret::StoreSecret,
    step::{Step, Unspent},
    transaction,
};

/// The records of an `e2ee.LibsignalRecords`. Python's copies of private keys are not wiped.
#[derive(FromPyObject)]
pub struct Records {
    #[pyo3(attribute("_identity_key_pair"))]
    identity_key_pair: PyBackedBytes,
    #[pyo3(attribute("_registration_id"))]
    registration_id: u32,
    #[pyo3(attribute("_prekeys"))]
    prekeys: Vec<(u32, PyBackedBytes)>,
    #[pyo3(attribute("_signed_prekeys"))]
    signed_prekeys: Vec<(u32, PyBackedBytes)>,
    #[pyo3(attribute("_kyber_prekeys"))]
    kyber_prekeys: Vec<(u32, PyBackedBytes, bool)>,
    #[pyo3(attribute("_identities"))]
    identities: Vec<(String, Option<u32>, PyBackedBytes)>,
    #[pyo3(attribute("_sessions"))]
    sessions: Vec<(String, u32, PyBackedBytes)>,
    #[pyo3(attribute("_sender_keys"))]
    sender_keys: Vec<(String, u32, GroupId, PyBackedBytes)>,
}

impl Records {
    /// The records as the core takes them.
    fn get(&self) -> Result<LibsignalRecords<'_>, Error> {
        let kyber = self.kyber_prekeys.iter();
        Ok(LibsignalRecords {
            identity_key_pair: &self.identity_key_pair,
            registration_id: self.registration_id,
            prekeys: numbered(&self.prekeys),
            signed_prekeys: numbered(&self.signed_prekeys),
            kyber_prekeys: kyber.map(|(id, record, last)| (*id, &**record, *last)).collect(),
            identities: self.identities()?,
            sessions: self.sessions()?,
            sender_keys: self.sender_keys()?,
        })
    }

    fn identities(&self) -> Result<Vec<Identity<'_>>, Error> {
        let rows = self.identities.iter();
        rows.map(|(user, device, key)| {
            Ok((&**user, device.map(DeviceId::new).transpose()?, &**key))
        })
        .collect()
    }

    fn sessions(&self) -> Result<Vec<Session<'_>>, Error> {
        let rows = self.sessions.iter();
        rows.map(|(user, device, record)| Ok(((&**user, DeviceId::new(*device)?), &**record)))
            .collect()
    }

    fn sender_keys(&self) -> Result<Vec<(ChainName<'_>, &[u8])>, Error> {
        let rows = self.sender_keys.iter();
        rows.map(|(user, device, group, record)| {
            Ok((((&**user, DeviceId::new(*device)?), *group), &**record))
        })
        .collect()
    }
}

type Identity<'a> = (&'a str, Option<DeviceId>, &'a [u8]);
type Session<'a> = ((&'a str, DeviceId), &'a [u8]);

fn numbered(rows: &[(u32, PyBackedBytes)]) -> Vec<(u32, &[u8])> {
    rows.iter().map(|(number, record)| (*number, &**record)).collect()
}

/// Makes an account of the records in an empty store; the result is the report.
#[pyfunction]
pub fn import_records(
    py: Python<'_>,
    secret: &StoreSecret,
    transaction: Py<PyAny>,
    owner: Peer<'_>,
    records: Records,
) -> PyResult<Step> {
    let whom = owner.get();
    let import = |environment: &mut Environment<'_>| {
        CoreAccount::import(&secret.inner, whom, &records.get()?, environment)
    };
    let step = py.detach(|| transaction::within(transaction, import));
    let CoreStep { writes, result } = step.map_err(|refusal| refusal.raise(py))?;
    Step::new(py, writes, Unspent(|py: Python<'_>| rows(result).into_py_any(py)))
}

/// The report of an import, which is not made.
#[pyfunction]
pub fn examine_records(
    py: Python<'_>,
    transaction: Py<PyAny>,
    owner: Peer<'_>,
    records: Records,
) -> PyResult<Vec<Row>> {
    let whom = owner.get();
    let examine = |environment: &mut Environment<'_>| {
        CoreAccount::examine(whom, &records.get()?, environment)
    };
    let report = py.detach(|| transaction::within(transaction, examine));
    report.map(rows).map_err(|refusal| refusal.raise(py))
}

/// Kind, name, user and device of a peer, outcome, and reason.
type Row = (&'static str, String, Option<(String, u8)>, &'static str, String);

fn rows(report: Report) -> Vec<Row> {
    let row = |row: import::Row| {
        let peer = row.peer.map(|(user, device)| (user, device.get()));
        (row.kind.text(), row.name, peer, row.outcome.text(), row.outcome.reason())
    };
    report.into_iter().map(row).collect()
}
