// SPDX-License-Identifier: MIT OR Apache-2.0
//! Repair: a message that could not be opened is asked for again (signal.md §4.4; docs/threats.md).
//!
//! The request is not authenticated, so it can do little: archive the session that it names, and a
//! few times an hour tell the application that a message is missing.

use e2ee_primitives::secret::SecretBytes;
use e2ee_state::{Failure, Records, Step};
use e2ee_wire::{
    Error,
    record::{RecordReader, write_length},
};

use crate::{
    DeviceId,
    decryption_error::DecryptionError,
    envelope::{self, Kind},
};

use super::{
    Account, Content, Environment, Incoming, Learnt, LoadedPeer, Outcome, Peer,
    draft::{Draft, encoded},
    ledger::Ledger,
    names,
    receive::{Effect, Opened},
};

/// Requests of one device that are accepted within an hour.
pub const MAX_PER_HOUR: usize = 5;
/// Requests for messages of one time that are accepted within a day.
pub const MAX_PER_MESSAGE: usize = 3;
const HOUR_MS: u64 = 60 * 60 * 1_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// More cannot be accepted within a day.
const MAX_KEPT: usize = 24 * MAX_PER_HOUR;
const FORMAT_VERSION: u8 = 1;

/// The requests of one device that were accepted within the last day.
struct RepairLog {
    /// Of the stored record, 0 if there is none.
    revision: u64,
    accepted: Vec<Accepted>,
}

/// What a request changes.
pub(super) struct Repaired {
    loaded: Box<LoadedPeer>,
    before: Peer,
    log: RepairLog,
}

/// A request: for the message of which time, and when it came.
#[derive(Clone, Copy)]
struct Accepted {
    sent_ms: u64,
    at_ms: u64,
}

impl Account {
    /// An envelope that asks the sender of an envelope, sent at `sent_ms`, to send it again.
    ///
    /// It depends on the envelope's public bytes, this time and the sender's device, and not on why
    /// the envelope did not open. [`Error::Duplicate`] if it did open, [`Error::InvalidArgument`]
    /// if it is such a request itself.
    pub fn repair(
        &mut self,
        incoming: Incoming<'_>,
        sent_ms: u64,
        environment: &mut Environment<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let message = envelope::decode(incoming.envelope)?;
        let request = DecryptionError::of(message, sent_ms, incoming.device)?;
        self.vault.refresh(environment.records)?;
        let entry = self.ledger_key((incoming.user, incoming.device), message)?;
        match Ledger::delivered_before(&self.vault, &entry, Error::NoSession, environment) {
            Err(Failure::Protocol(Error::NoSession)) => {}
            Err(failure) => return Err(failure),
            Ok(_) => return Err(Error::Duplicate.into()),
        }
        Ok(envelope::encode(Kind::Plaintext, &request.encode_content()))
    }

    /// Archives the session that sends to a peer; the next one needs a bundle.
    ///
    /// [`Error::NoSession`] if the peer is unknown.
    pub fn reset(
        &mut self,
        (user, device): (&str, DeviceId),
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<()>>, Failure> {
        self.vault.refresh(environment.records)?;
        let loaded = self.load_peer(environment.records, user, device)?;
        let mut loaded = loaded.ok_or(Error::NoSession)?;
        let before = loaded.peer.clone();
        loaded.sessions.archive_current();
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        self.vault.save_peer(
            &mut loaded,
            (Some(&before), self.vault.index()),
            &mut draft,
            &mut learnt,
        )?;
        self.vault.drafted((draft.finish(), learnt), (), environment)
    }

    /// Takes a request to send again; the session is archived if it is the one that it names.
    pub(super) fn open_repair(
        &mut self,
        (user, device): (&str, DeviceId),
        message: &[u8],
        environment: &mut Environment<'_>,
    ) -> Result<(Opened, Effect), Failure> {
        let request = DecryptionError::decode_content(message)?;
        if request.device != u32::from(self.user().1.get()) {
            return Err(Error::Forged.into());
        }
        let loaded = self.load_peer(environment.records, user, device)?;
        let mut loaded = loaded.ok_or(Error::NoSession)?;
        let before = loaded.peer.clone();
        let log = self.repair_log(environment.records, (user, device))?;
        let log = log.admit(request.sent_ms, environment.now_ms)?;
        let names_current = request.ratchet_key.is_some()
            && loaded.sessions.current().and_then(crate::Session::our_ratchet_key)
                == request.ratchet_key.as_ref();
        if names_current {
            loaded.sessions.archive_current();
        }
        let content = Content::Resend { sent_ms: request.sent_ms };
        let opened = Opened { content, plaintext: SecretBytes::new(Vec::new()) };
        Ok((opened, Effect::Repair(Box::new(Repaired { loaded, before, log }))))
    }

    fn repair_log(
        &self,
        records: &mut dyn Records,
        (user, device): (&str, DeviceId),
    ) -> Result<RepairLog, Failure> {
        let name = names::repair(user, device);
        let Some(stored) = records.get(&name)? else {
            return Ok(RepairLog { revision: 0, accepted: Vec::new() });
        };
        let opened = self.vault.sealer().open(&name, stored.revision, &stored.sealed)?;
        Ok(RepairLog::decode(stored.revision, opened.expose())?)
    }

    pub(super) fn save_repaired(
        &self,
        repaired: Repaired,
        draft: &mut Draft<'_>,
        learnt: &mut Learnt,
    ) -> Result<(), Failure> {
        let Repaired { mut loaded, before, log } = repaired;
        let revision = log.revision.checked_add(1).ok_or(Error::Exhausted)?;
        let name = names::repair(&loaded.user, loaded.device);
        draft.put(&name, log.revision, revision, &log.encode())?;
        self.vault.save_peer(&mut loaded, (Some(&before), self.vault.index()), draft, learnt)
    }
}

impl RepairLog {
    /// The log with one more request, or [`Error::RepairLimit`].
    ///
    /// Times count by their distance: a clock that was set back makes nothing wait longer.
    fn admit(mut self, sent_ms: u64, now_ms: u64) -> Result<Self, Error> {
        self.accepted.retain(|past| now_ms.abs_diff(past.at_ms) < DAY_MS);
        let recent = self.accepted.iter().filter(|past| now_ms.abs_diff(past.at_ms) < HOUR_MS);
        let same = self.accepted.iter().filter(|past| past.sent_ms == sent_ms);
        let is_full = self.accepted.len() >= MAX_KEPT;
        if recent.count() >= MAX_PER_HOUR || same.count() >= MAX_PER_MESSAGE || is_full {
            return Err(Error::RepairLimit);
        }
        self.accepted.push(Accepted { sent_ms, at_ms: now_ms });
        Ok(self)
    }

    fn encode(&self) -> SecretBytes {
        encoded(|out| {
            out.push(FORMAT_VERSION);
            write_length(out, self.accepted.len());
            for past in &self.accepted {
                out.extend_from_slice(&past.sent_ms.to_be_bytes());
                out.extend_from_slice(&past.at_ms.to_be_bytes());
            }
        })
    }

    fn decode(revision: u64, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = RecordReader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(Error::CorruptState);
        }
        let mut accepted = Vec::new();
        for _ in 0..reader.length(MAX_KEPT)? {
            accepted.push(Accepted { sent_ms: reader.u64()?, at_ms: reader.u64()? });
        }
        reader.finish()?;
        Ok(Self { revision, accepted })
    }
}

/// Whether these bytes are the record of a peer's requests.
pub(super) fn is_log(content: &[u8]) -> bool {
    RepairLog::decode(1, content).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    fn log(accepted: &[(u64, u64)]) -> RepairLog {
        let accepted =
            accepted.iter().map(|&(sent_ms, at_ms)| Accepted { sent_ms, at_ms }).collect();
        RepairLog { revision: 1, accepted }
    }

    fn admits(accepted: &[(u64, u64)], sent_ms: u64) -> bool {
        let admitted = log(accepted).admit(sent_ms, NOW);
        assert!(matches!(admitted, Ok(_) | Err(Error::RepairLimit)));
        admitted.is_ok()
    }

    #[test]
    fn five_requests_are_accepted_within_an_hour() {
        for (number, accepted) in [(3, true), (4, true), (5, false), (6, false)] {
            let past: Vec<_> = (0..number).map(|sent| (sent, NOW)).collect();
            assert_eq!(accepted, admits(&past, 99), "{number}");
        }
        for (age, accepted) in [(HOUR_MS - 1, false), (HOUR_MS, true), (HOUR_MS + 1, true)] {
            let past: Vec<_> = (0..5).map(|sent| (sent, NOW - age)).collect();
            assert_eq!(accepted, admits(&past, 99), "{age}");
        }
    }

    #[test]
    fn three_requests_are_accepted_for_one_message_within_a_day() {
        for (number, accepted) in [(2, true), (3, false), (4, false)] {
            let past: Vec<_> = (0..number).map(|_| (7, NOW - 2 * HOUR_MS)).collect();
            assert_eq!(accepted, admits(&past, 7), "{number}");
            assert!(admits(&past, 8));
        }
        for (age, accepted) in [(DAY_MS - 1, false), (DAY_MS, true)] {
            assert_eq!(accepted, admits(&[(7, NOW - age); 3], 7), "{age}");
        }
    }

    #[test]
    fn a_clock_that_was_ahead_stops_nothing_for_long() {
        assert!(admits(&[(1, NOW + 2 * DAY_MS); 5], 1));
        assert!(!admits(&[(1, NOW + HOUR_MS - 1); 5], 2));
        assert!(admits(&[(1, NOW + HOUR_MS); 5], 2));
    }

    #[test]
    fn the_log_is_read_back_and_never_longer_than_a_day() {
        let full: Vec<_> =
            (1_000..).map(|sent_ms| (sent_ms, NOW - 2 * HOUR_MS)).take(MAX_KEPT).collect();
        assert!(!admits(&full, 7));
        assert!(admits(&full[1..], 7));
        let stored = log(&full).encode();
        let read = RepairLog::decode(4, stored.expose()).unwrap();
        assert_eq!((4, stored.expose()), (read.revision, read.encode().expose()));
        for damaged in [&stored.expose()[1..], &stored.expose()[..20], &[2, 0, 0, 0, 0]] {
            assert!(RepairLog::decode(1, damaged).is_err());
        }
        let longer = [&[1, 0, 0, 0, 121][..], &[0; 121 * 16]].concat();
        assert!(RepairLog::decode(1, &longer).is_err());
    }
}
