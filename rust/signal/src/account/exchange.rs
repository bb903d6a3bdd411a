// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sending on a session at rest, without a transaction: its head changes if it and the index are
//! the rows that are known (docs/storage.md, "Sessions at rest").

use e2ee_account::outcome::At;

use crate::{DeviceId, Session, envelope::MAX_PLAINTEXT_LEN};

use super::{Account, Exchange, Outcome, send};

impl Account {
    /// [`Account::encrypt`] without reading: what is known of the index and the session must be
    /// found again by whoever makes the exchange.
    ///
    /// `None` wherever reading may be needed, also to say why not: then nothing has changed, and
    /// [`Account::encrypt`] answers. So it does if the rows turn out to be others: then the outcome
    /// is dropped.
    pub fn encrypt_at_rest(
        &mut self,
        peer: (&str, DeviceId),
        plaintext: &[u8],
        at: At<'_>,
    ) -> Option<(Exchange, Outcome<Vec<u8>>)> {
        if plaintext.len() > MAX_PLAINTEXT_LEN {
            return None;
        }
        self.vault
            .exchange((peer.0, &peer.1), at, |loaded, at| send::encrypt(loaded, plaintext, at).ok())
    }

    /// [`Account::encrypt_many`] like [`Account::encrypt_at_rest`], of plaintexts to one peer.
    ///
    /// `None` also if they move more than the sending chain.
    pub fn encrypt_all_at_rest(
        &mut self,
        peer: (&str, DeviceId),
        plaintexts: &[&[u8]],
        at: At<'_>,
    ) -> Option<(Exchange, Outcome<Vec<Vec<u8>>>)> {
        if plaintexts.is_empty() || plaintexts.iter().any(|text| text.len() > MAX_PLAINTEXT_LEN) {
            return None;
        }
        self.vault.exchange((peer.0, &peer.1), at, |loaded, (now_ms, random)| {
            let encrypt = |plaintext: &&[u8]| {
                let stays = loaded.sessions.current().is_some_and(Session::sends_in_place);
                stays.then(|| send::encrypt(loaded, plaintext, (now_ms, &mut *random)).ok())?
            };
            plaintexts.iter().map(encrypt).collect()
        })
    }
}

#[cfg(test)]
mod tests;
