// SPDX-License-Identifier: MIT OR Apache-2.0
//! What one protocol says of the records of its accounts (docs/storage.md, "What vouches for
//! what").

use e2ee_primitives::secret::SecretBytes;
use e2ee_wire::Error;

/// A protocol, as what keeps its accounts asks of it.
pub trait Protocol {
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
