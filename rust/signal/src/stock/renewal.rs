// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stock of a store that was set back (signal.md §3 and §5.4, "Prekey rules"; docs/storage.md,
//! "Healing").

use e2ee_primitives::{random::Random, x25519};
use e2ee_wire::Error;

use crate::prekeys::SignedPreKey;

use super::{LastResort, MAX_ID, PreKeyStock, pool::Pool};

/// Of the numbers that are left, one in so many is passed over.
const SHARE: u32 = 16;

impl PreKeyStock {
    /// Destroys the one-time keys, each of which may have served its session in the lost past, and
    /// replaces the others, which open first messages for as long as replaced ones do.
    ///
    /// The numbers go on behind those that the lost past may have given to other keys, as far as
    /// that can be said: a sixteenth of all that are left lies between. An error has changed
    /// nothing.
    pub fn renew(
        &mut self,
        identity: &x25519::PrivateKey,
        now_ms: u64,
        random: &mut dyn Random,
    ) -> Result<(), Error> {
        let mut ids = self.ids();
        let left = MAX_ID.saturating_sub(ids.next);
        ids.next = ids.next.saturating_add(left / SHARE);
        let signed = SignedPreKey::generate(ids.take()?, identity, random)?;
        let last_resort = LastResort::generate(ids.take()?, identity, random)?;
        self.next_id = ids.next;
        self.signed.rotate(signed, now_ms);
        self.last_resort.rotate(last_resort, now_ms);
        self.one_time = Pool::empty();
        self.one_time_kyber = Pool::empty();
        _ = self.forget_expired(now_ms);
        Ok(())
    }
}
