// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is kept in one record: loaded of it, and sealed by a step or into a buffer
//! (docs/storage.md, "Without a store").

use e2ee_primitives::Random;
use e2ee_state::{Failure, Saved, Sealer};

use crate::{
    edge::{Handle, HandleOut, In, Kind, Out, Output, entry},
    own::Own,
    root::StateKey,
    status::Status,
    step::{Record, Step, parts},
    world::OsRandom,
};

/// Opens what was sealed under a revision.
type Open<T> = fn(&Sealer, u64, &[u8]) -> Result<T, Failure>;
/// Seals under the next revision.
type Seal<T> = fn(&mut T, &Sealer, &mut dyn Random) -> Result<Vec<u8>, Failure>;

/// Seals what has no revisions.
type SealBytes<T> = fn(&T, &Sealer, &mut dyn Random) -> Result<Vec<u8>, Failure>;

/// Loads what has revisions, of its one record.
pub fn load<T>(
    key: &Handle<'_, StateKey>,
    (records, count): (In<'_, Record<'_>>, usize),
    made: &HandleOut<'_, Own<T>>,
    (name, open): (&str, Open<T>),
) -> Status
where
    Own<T>: Kind,
{
    entry(|| {
        let (place, key) = (made.place()?, key.get()?);
        let [(revision, record)] = parts(records, count, [name])?;
        place.put(Own::new(open(key.sealer(), revision, record)?));
        Ok(())
    })
}

/// Seals what has revisions, as a step without a result.
pub fn seal<T>(
    kept: &Handle<'_, Own<T>>,
    key: &Handle<'_, StateKey>,
    step: &HandleOut<'_, Step>,
    (name, revision, seal): (&'static str, fn(&T) -> u64, Seal<T>),
) -> Status
where
    Own<T>: Kind,
{
    entry(|| {
        let place = step.place()?;
        let (key, mut kept) = (key.get()?, kept.get()?.lock()?);
        let base = revision(&kept);
        let sealed = seal(&mut kept, key.sealer(), &mut OsRandom)?;
        let revision = revision(&kept);
        place.put(Step::sealed(Saved { name, base, revision, sealed })?);
        Ok(())
    })
}

/// Loads what never changes, of the bytes that [`seal_bytes`] gave.
pub fn load_bytes<T: Kind>(
    key: &Handle<'_, StateKey>,
    (sealed, sealed_len): (In<'_, u8>, usize),
    made: &HandleOut<'_, T>,
    open: fn(&Sealer, &[u8]) -> Result<T, Failure>,
) -> Status {
    entry(|| {
        let (place, key) = (made.place()?, key.get()?);
        place.put(open(key.sealer(), sealed.slice(sealed_len)?)?);
        Ok(())
    })
}

/// Seals what never changes, into the caller's buffer.
pub fn seal_bytes<T: Kind>(
    kept: &Handle<'_, T>,
    key: &Handle<'_, StateKey>,
    (out, capacity, len): (&Out<'_, u8>, usize, &Out<'_, usize>),
    seal: SealBytes<T>,
) -> Status {
    entry(|| {
        let (output, key) = (Output::new(out, capacity, len)?, key.get()?);
        output.give(&seal(kept.get()?, key.sealer(), &mut OsRandom)?)
    })
}
