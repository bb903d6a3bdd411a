// SPDX-License-Identifier: MIT OR Apache-2.0
//! What one protocol says of the records of its accounts (docs/storage.md, "What vouches for
//! what").

use e2ee_primitives::secret::SecretBytes;
use e2ee_wire::{Error, record::RecordReader};

/// A protocol, as what keeps its accounts asks of it.
pub trait Protocol {
    /// A device of a user.
    type Device: Device;
    /// What a message is.
    type Content: Content;
    /// The sessions with a peer, as they rest between calls.
    type Rested;

    /// What the names of the records begin with for which the root record vouches.
    const MEMBERS: &'static [&'static str];

    /// The member to which a row belongs so closely that its revisions begin anew with it.
    fn member_of(name: &str) -> Option<String>;

    /// The content of a record after the revisions in it have grown by one; `None` if there are
    /// none in it.
    fn advanced(name: &str, content: &SecretBytes) -> Result<Option<SecretBytes>, Error>;
}

/// A device of a user, as records name it.
pub trait Device: Clone + PartialEq {
    /// The most bytes of its name.
    const MAX_NAME_LEN: usize;

    /// Appends the name, which holds no `/`.
    fn push_name(&self, text: &mut String);

    /// The device of this name; [`Error::CorruptState`] if there is none.
    fn of_name(name: &str) -> Result<Self, Error>;

    /// Appends it as records hold it.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads it back.
    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error>;
}

/// What an opened message is, as the inbox keeps it.
pub trait Content: Sized {
    /// A message of the application's to this device alone: so are all in entries of version 1.
    const DIRECT: Self;

    /// Appends it as records hold it.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads it back.
    fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error>;
}
