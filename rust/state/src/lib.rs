// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is stored, without the words of any one protocol: the store key, sealed records, their
//! revisions, and steps that say what must be saved before a result may leave
//! (docs/storage.md; docs/formats.md, "Sealed records").

#![forbid(unsafe_code)]

pub mod anchor;
pub mod digest;
pub mod error;
pub mod key;
pub mod log;
pub mod overlay;
pub mod records;
pub mod seal;
pub mod stage;
pub mod step;
pub mod timeline;
pub mod workers;

pub use anchor::Anchor;
pub use error::{Failure, StoreError};
pub use key::StoreSecret;
pub use overlay::Overlay;
pub use records::{Records, Stored};
pub use seal::Sealer;
pub use stage::{Backlog, Saved, Stage};
pub use step::{Change, Step, Write};
pub use timeline::Timeline;
pub use workers::Workers;
