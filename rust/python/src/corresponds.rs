// SPDX-License-Identifier: MIT OR Apache-2.0
//! How an account of Signal's protocol sends and receives (docs/architecture.md, "One account, many
//! protocols").

use e2ee_account::{batch::Refused, outcome::At};
use e2ee_signal::{
    DeviceId,
    account::{Account as CoreAccount, Environment, Incoming, Opened, Outcome},
};
use e2ee_state::Step as CoreStep;
use e2ee_wire::Error;
use pyo3::prelude::*;

use crate::{
    account::Account,
    convert::{self, Peer},
    kept::{AtRest, Corresponds, Delivered, Stepped},
    parallel::Threads,
};

impl Corresponds for Account {
    type Whom<'a> = (&'a str, DeviceId);
    type Incoming<'a> = Incoming<'a>;
    type Opened = Opened;

    fn whom<'a>(peer: &'a Peer<'_>) -> (&'a str, DeviceId) {
        peer.get()
    }

    fn incoming<'a>(sender: &'a Peer<'_>, envelope: &'a [u8]) -> Incoming<'a> {
        convert::incoming(sender, envelope)
    }

    fn opened(py: Python<'_>, opened: Opened) -> PyResult<Py<PyAny>> {
        convert::opened(py, opened)
    }

    fn key_of_envelope(envelope: &[u8]) -> Option<Vec<u8>> {
        convert::key_of_envelope(envelope)
    }

    fn named(user: &str) -> Option<(&str, DeviceId)> {
        Some((user, DeviceId::FIRST))
    }

    fn queue(
        core: &mut CoreAccount,
        whom: (&str, DeviceId),
        text: (&[u8], Option<&str>),
        inside: &mut Environment<'_>,
    ) -> Stepped<String> {
        core.queue(whom, text, inside)
    }

    fn encrypt_at_rest(
        core: &mut CoreAccount,
        whom: (&str, DeviceId),
        plaintext: &[u8],
        at: At<'_>,
    ) -> AtRest<Vec<u8>> {
        core.encrypt_at_rest(whom, plaintext, at)
    }

    fn encrypt_all_at_rest(
        core: &mut CoreAccount,
        whom: (&str, DeviceId),
        plaintexts: &[&[u8]],
        at: At<'_>,
    ) -> AtRest<Vec<Vec<u8>>> {
        core.encrypt_all_at_rest(whom, plaintexts, at)
    }

    fn encrypt_many(
        core: &mut CoreAccount,
        messages: &[((&str, DeviceId), &[u8])],
        inside: &mut Environment<'_>,
    ) -> Result<CoreStep<Outcome<Vec<Vec<u8>>>>, Refused> {
        core.encrypt_many(messages, &Threads, inside)
    }

    fn queue_many(
        core: &mut CoreAccount,
        messages: &[((&str, DeviceId), &[u8])],
        inside: &mut Environment<'_>,
    ) -> Result<CoreStep<Outcome<Vec<String>>>, Refused> {
        core.queue_many(messages, &Threads, inside)
    }

    fn decrypt_many(
        core: &mut CoreAccount,
        envelopes: &[Incoming<'_>],
        inside: &mut Environment<'_>,
    ) -> Stepped<Vec<Result<Opened, Error>>> {
        core.decrypt_many(envelopes, &Threads, inside)
    }

    fn receive_many(
        core: &mut CoreAccount,
        envelopes: &[Incoming<'_>],
        inside: &mut Environment<'_>,
    ) -> Stepped<Delivered<Self>> {
        core.receive_many(envelopes, &Threads, inside)
    }
}
