// SPDX-License-Identifier: MIT OR Apache-2.0
//! States of libolm and vodozemac, taken over and given back (olm_megolm.md §3).

#![expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "the signatures are what the interpreter calls"
)]

use e2ee_olm::pickle::{Identities, Leaving, Pickles};
use pyo3::{exceptions::PyTypeError, prelude::*, pybacked::PyBackedStr};

use super::{
    account::OlmAccount,
    keys::BackupKey,
    megolm::{OlmInboundGroupSession, OlmOutboundGroupSession},
    public_key,
    session::OlmSession,
};
use crate::{
    convert::Number,
    signal::{StateKey, refused},
};

/// Reads and writes the states of libolm or vodozemac under one pickle key (olm_megolm.md §3).
///
/// They are for moving, not for keeping: what was read must not be used there any more, and what
/// was written must not be used here, or message keys are used twice. A session that was written is
/// stale. What was read is saved by its `save`, or with its first step.
#[pyclass(frozen, module = "e2ee._core")]
pub struct OlmPickles(Pickles);

#[pymethods]
impl OlmPickles {
    /// Those of libolm, under a key of any length, none included.
    #[staticmethod]
    fn libolm(key: &[u8]) -> Self {
        Self(Pickles::libolm(key))
    }

    /// Those of vodozemac, under a key of 32 bytes.
    ///
    /// Raises `InvalidArgumentError` for another length.
    #[staticmethod]
    fn vodozemac(py: Python<'_>, key: &[u8]) -> PyResult<Self> {
        Pickles::vodozemac(key).map(Self).map_err(|error| refused(py, error))
    }

    /// An account; of more than 100 one-time keys, the newest.
    ///
    /// Raises `AuthenticationError` under another pickle key, and `MalformedMessageError`,
    /// `InvalidKeyError` or `UnsupportedVersionError` if it is no such pickle.
    fn read_account(&self, py: Python<'_>, pickle: &str) -> PyResult<OlmAccount> {
        let read = self.0.read_account(pickle);
        read.map(OlmAccount::of).map_err(|error| refused(py, error))
    }

    /// The pickle of an account, text.
    fn write_account(&self, py: Python<'_>, account: &OlmAccount) -> PyResult<String> {
        let account = account.inner().lock(py)?;
        self.0.write_account(&account).map_err(|error| refused(py, error))
    }

    /// A session between our account and the owner of the other identity key, 32 bytes.
    ///
    /// A pickle names only the one who started the session. Raises `InvalidKeyError` if
    /// neither of these two did, and the errors of `read_account`.
    fn read_session(
        &self,
        py: Python<'_>,
        key: &StateKey,
        account: &OlmAccount,
        their_identity_key: &[u8],
        pickle: &str,
    ) -> PyResult<OlmSession> {
        let ours = *account.inner().lock(py)?.identity_key();
        let read = public_key(their_identity_key).and_then(|theirs| {
            self.0.read_session(key.sealer(), &Identities { ours, theirs }, pickle)
        });
        read.map(OlmSession::of).map_err(|error| refused(py, error))
    }

    /// The pickle of a session, which is stale from then on; of late messages, the newest 40 open.
    ///
    /// Raises `StaleSessionError` while a step is open.
    fn write_session(&self, py: Python<'_>, session: &OlmSession) -> PyResult<String> {
        let mut session = session.inner().lock(py)?;
        let leaving = self.0.write_session(&mut session);
        leaving.map(Leaving::give).map_err(|error| refused(py, error))
    }

    /// An outbound group session. The errors are those of `read_account`.
    fn read_outbound(
        &self,
        py: Python<'_>,
        key: &StateKey,
        pickle: &str,
    ) -> PyResult<OlmOutboundGroupSession> {
        let read = self.0.read_outbound(key.sealer(), pickle);
        read.map(OlmOutboundGroupSession::of).map_err(|error| refused(py, error))
    }

    /// The pickle of an outbound group session, which is stale from then on.
    ///
    /// Raises `StaleSessionError` while a step is open.
    fn write_outbound(
        &self,
        py: Python<'_>,
        session: &OlmOutboundGroupSession,
    ) -> PyResult<String> {
        let mut session = session.inner().lock(py)?;
        let leaving = self.0.write_outbound(&mut session);
        leaving.map(Leaving::give).map_err(|error| refused(py, error))
    }

    /// An inbound group session, which knows what was opened elsewhere.
    ///
    /// `opened` has the index of each such message with the id of its event; as another event it
    /// does not open. Raises `DuplicateMessageError` if one stands there with two,
    /// `SessionExhaustedError` for more than 65,536, and the errors of `read_account`.
    #[pyo3(signature = (key, pickle, *, opened = Vec::new()))]
    fn read_inbound(
        &self,
        py: Python<'_>,
        key: &StateKey,
        pickle: &str,
        opened: Vec<(Number, PyBackedStr)>,
    ) -> PyResult<OlmInboundGroupSession> {
        let opened = opened.iter().map(|(index, event_id)| (index.0, event_id.as_bytes()));
        let read = self.0.read_inbound(key.sealer(), pickle, opened);
        read.map(OlmInboundGroupSession::of).map_err(|error| refused(py, error))
    }

    /// The pickle of an inbound group session, which both may go on using: it only opens.
    fn write_inbound(&self, py: Python<'_>, session: &OlmInboundGroupSession) -> PyResult<String> {
        Ok(self.0.write_inbound(&*session.inner().lock(py)?))
    }

    /// The key of a backup, or of whatever else is encrypted to it (`PkDecryption` of libolm).
    ///
    /// Raises `InvalidArgumentError` for vodozemac, which has no pickle of such a key, and the
    /// errors of `read_account`.
    fn read_backup_key(&self, py: Python<'_>, pickle: &str) -> PyResult<BackupKey> {
        let read = self.0.read_decryption(pickle);
        read.map(|pair| BackupKey::of(pair.into())).map_err(|error| refused(py, error))
    }

    /// The pickle of the key of a backup, which both may go on using: it only opens.
    ///
    /// Raises `InvalidArgumentError` for vodozemac, which has no pickle of such a key.
    fn write_backup_key(&self, py: Python<'_>, key: &BackupKey) -> PyResult<String> {
        let written = self.0.write_decryption(key.inner().key_pair());
        written.map_err(|error| refused(py, error))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a key cannot be copied"))
    }
}
