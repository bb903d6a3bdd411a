// SPDX-License-Identifier: MIT OR Apache-2.0
//! How an account of Olm sends and receives (olm_megolm.md §1; docs/architecture.md, "One account,
//! many protocols").

use e2ee_account::{Environment, Outcome, batch::Refused, outcome::At};
use e2ee_olm::stored::{DeviceId, Incoming, Opened, StoredAccount, envelope};
use e2ee_state::Step as CoreStep;
use e2ee_wire::Error;
use pyo3::{IntoPyObjectExt, prelude::*, types::PyBytes};

use crate::{
    convert::{ContentRow, Peer},
    kept::{AtRest, Corresponds, Delivered, Stepped},
    parallel::Threads,
};

use super::OlmStoredAccount;

/// Matrix devices have names: nobody is called by a user's name alone.
impl Corresponds for OlmStoredAccount {
    type Whom<'a> = (&'a str, &'a DeviceId);
    type Incoming<'a> = Incoming<'a>;
    type Opened = Opened;

    fn whom<'a>(peer: &'a Peer<'_, DeviceId>) -> (&'a str, &'a DeviceId) {
        peer.named()
    }

    fn incoming<'a>(sender: &'a Peer<'_, DeviceId>, envelope: &'a [u8]) -> Incoming<'a> {
        let (user, device) = sender.named();
        Incoming { user, device, identity_key: None, envelope }
    }

    fn opened(py: Python<'_>, opened: Opened) -> PyResult<Py<PyAny>> {
        let content: ContentRow = ("message", None, None);
        (content, PyBytes::new(py, opened.0.expose())).into_py_any(py)
    }

    fn key_of_envelope(bytes: &[u8]) -> Option<Vec<u8>> {
        envelope::identity_key(bytes).map(|key| key.as_bytes().to_vec())
    }

    fn named(_: &str) -> Option<(&str, &DeviceId)> {
        None
    }

    fn queue(
        core: &mut StoredAccount,
        whom: (&str, &DeviceId),
        text: (&[u8], Option<&str>),
        inside: &mut Environment<'_>,
    ) -> Stepped<String> {
        core.queue(whom, text, inside)
    }

    fn encrypt_at_rest(
        core: &mut StoredAccount,
        whom: (&str, &DeviceId),
        plaintext: &[u8],
        at: At<'_>,
    ) -> AtRest<Vec<u8>> {
        core.encrypt_at_rest(whom, plaintext, at)
    }

    fn encrypt_all_at_rest(
        core: &mut StoredAccount,
        whom: (&str, &DeviceId),
        plaintexts: &[&[u8]],
        at: At<'_>,
    ) -> AtRest<Vec<Vec<u8>>> {
        core.encrypt_all_at_rest(whom, plaintexts, at)
    }

    fn encrypt_many(
        core: &mut StoredAccount,
        messages: &[((&str, &DeviceId), &[u8])],
        inside: &mut Environment<'_>,
    ) -> Result<CoreStep<Outcome<Vec<Vec<u8>>>>, Refused> {
        core.encrypt_many(messages, &Threads, inside)
    }

    fn queue_many(
        core: &mut StoredAccount,
        messages: &[((&str, &DeviceId), &[u8])],
        inside: &mut Environment<'_>,
    ) -> Result<CoreStep<Outcome<Vec<String>>>, Refused> {
        core.queue_many(messages, &Threads, inside)
    }

    fn decrypt_many(
        core: &mut StoredAccount,
        envelopes: &[Incoming<'_>],
        inside: &mut Environment<'_>,
    ) -> Stepped<Vec<Result<Opened, Error>>> {
        core.decrypt_many(envelopes, &Threads, inside)
    }

    fn receive_many(
        core: &mut StoredAccount,
        envelopes: &[Incoming<'_>],
        inside: &mut Environment<'_>,
    ) -> Stepped<Delivered<Self>> {
        core.receive_many(envelopes, &Threads, inside)
    }
}
