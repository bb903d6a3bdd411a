// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prekeys at a server: what to upload, when, and what to delete (signal.md §3).

use e2ee_state::{Failure, Step};

use crate::stock::{PreKeyUpload, Remaining};

use super::{Account, Environment, Learnt, Outcome, draft::Draft};

impl Account {
    /// All that a server needs which has nothing of this device.
    pub fn prekeys(
        &mut self,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<PreKeyUpload>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut stock = self.stock(environment.records)?;
        let owner = (self.ours(), self.identity.user().1);
        let upload = stock.upload(owner, environment.now_ms, environment.random)?;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        let index = self.put_stock(&stock, &mut draft)?;
        self.vault.put_index(index, &mut draft, &mut learnt)?;
        self.vault.drafted((draft.finish(), learnt), upload, environment)
    }

    /// Replaces what is old, makes one-time keys if few are left, and deletes what has expired;
    /// `None` if there was nothing to do.
    pub fn refresh_prekeys(
        &mut self,
        remaining: Remaining,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Outcome<Option<PreKeyUpload>>>, Failure> {
        self.vault.refresh(environment.records)?;
        let mut stock = self.stock(environment.records)?;
        let owner = (self.ours(), self.identity.user().1);
        let upload = stock.refresh(owner, remaining, environment.now_ms, environment.random)?;
        let mut draft = Draft::new(self.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        if upload.is_some() {
            let index = self.put_stock(&stock, &mut draft)?;
            self.vault.put_index(index, &mut draft, &mut learnt)?;
        }
        self.vault.drafted((draft.finish(), learnt), upload, environment)
    }
}
