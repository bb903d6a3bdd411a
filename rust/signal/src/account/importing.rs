// SPDX-License-Identifier: MIT OR Apache-2.0
//! An account made of what libsignal's stores hold (signal.md §8.1; docs/guides/import.md).

use std::collections::BTreeMap;

use e2ee_primitives::random::Random;
use e2ee_state::{Failure, Step, StoreError, StoreSecret, key};
use e2ee_wire::Error;

use crate::{
    DeviceId, PreKeyStock,
    import::{FormerChains, LibsignalRecords, Pin, Plan, Report},
};

use super::{
    Account, Environment, GroupId, Learnt, Peer, draft::Draft, groups::LoadedGroup,
    identity::Identity, index::Index, names, vault::Vault,
};

impl Account {
    /// Makes an account of `records` for `owner` in an empty store; the result says what became of
    /// each record.
    ///
    /// [`StoreError::AlreadyExists`] if the store holds an account, and else as [`Plan::new`].
    pub fn import(
        secret: &StoreSecret,
        owner: (&str, DeviceId),
        records: &LibsignalRecords<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Step<Report>, Failure> {
        let Plan { identity, prekeys, pins, chains, report } = plan(owner, records, environment)?;
        let (sealer, store_record) = secret.create(environment.random)?;
        let stock =
            PreKeyStock::import(&identity, prekeys, environment.now_ms, environment.random)?;
        let identity = Identity::of(owner, records.registration_id, identity, environment.random)?;
        let account = Self::new(Vault::new((sealer, store_record.clone())), identity);
        let groups = groups_of(chains, environment.random)?;
        let mut draft = Draft::new(account.vault.sealer(), environment.random);
        let mut learnt = Learnt::default();
        draft.plain(key::RECORD_NAME, 0, store_record)?;
        draft.put(names::IDENTITY, 0, 1, &account.identity.encode())?;
        let mut index = account.put_stock(&stock, &mut draft)?;
        for pin in &pins {
            account.put_pin(pin, &mut index, (&mut draft, &mut learnt))?;
        }
        for group in &groups {
            account.save_group(group, &mut index, &mut draft, &mut learnt)?;
        }
        account.vault.put_index(index, &mut draft, &mut learnt)?;
        Ok(Step { writes: draft.finish().writes, result: report })
    }

    /// What [`Account::import`] would say, of a store that must be empty too.
    pub fn examine(
        owner: (&str, DeviceId),
        records: &LibsignalRecords<'_>,
        environment: &mut Environment<'_>,
    ) -> Result<Report, Failure> {
        Ok(plan(owner, records, environment)?.report)
    }

    /// Saves a peer that is new, under the identity to be trusted.
    fn put_pin(
        &self,
        pin: &Pin,
        index: &mut Index,
        (draft, learnt): (&mut Draft<'_>, &mut Learnt),
    ) -> Result<(), Failure> {
        let name = names::peer(&pin.user, pin.device);
        let content = Peer::first_seen(pin.identity_key).encode();
        self.vault.put_member((name, 0), &content, index, (draft, learnt))?;
        Ok(())
    }
}

fn plan(
    owner: (&str, DeviceId),
    records: &LibsignalRecords<'_>,
    environment: &mut Environment<'_>,
) -> Result<Plan, Failure> {
    if environment.records.get(key::RECORD_NAME)?.is_some() {
        return Err(StoreError::AlreadyExists.into());
    }
    Ok(Plan::new(owner, records, environment.random)?)
}

/// The groups to which these chains belong, each with a new chain of our own.
fn groups_of(
    chains: Vec<FormerChains>,
    random: &mut dyn Random,
) -> Result<Vec<LoadedGroup>, Error> {
    let mut groups: BTreeMap<GroupId, Vec<FormerChains>> = BTreeMap::new();
    for each in chains {
        groups.entry(each.group).or_default().push(each);
    }
    groups.into_iter().map(|(id, chains)| LoadedGroup::imported(&id, chains, random)).collect()
}
