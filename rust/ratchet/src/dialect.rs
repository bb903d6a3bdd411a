// SPDX-License-Identifier: MIT OR Apache-2.0
//! All that differs between the protocols that run the Double Ratchet (Double Ratchet §7.1 lists
//! what it leaves to its users; docs/architecture.md has the table of dialects).

use e2ee_primitives::x25519;

/// A message's place in the ratchet, in clear (Double Ratchet §3.1, `HEADER`).
///
/// Unlike the specification, a receiver needs no length of the previous chain: old receiving
/// chains stay alive and are advanced by the late messages themselves (signal.md §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The sender's current ratchet key.
    pub ratchet_key: x25519::PublicKey,
    /// The message's position in its chain.
    pub index: u32,
}

/// What a frame says before its body.
#[derive(Clone, Copy, Debug)]
pub struct FrameHead {
    /// The message's place.
    pub header: Header,
    /// How many messages the sender's chain before this one held.
    pub previous_length: u32,
    /// Bytes of the body that follows.
    pub body_len: usize,
}

/// One protocol's Double Ratchet.
pub trait Dialect {
    /// The salt of the message KDF. A type, so that a protocol which needs one cannot leave it out.
    type Salt;
    /// What a frame carries besides header and body, and what it authenticates but does not carry.
    type Framing<'a>;

    /// `info` of the root KDF.
    const ROOT_LABEL: &'static [u8];
    /// `info` of the message KDF.
    const MESSAGE_LABEL: &'static [u8];
    /// Bytes of the HMAC-SHA-256 tag that a message carries.
    const TAG_LEN: usize;
    /// Receiving chains that are kept; the oldest gives way.
    const MAX_RECEIVING_CHAINS: usize;

    /// The bytes of the salt; none means 32 zero bytes (RFC 5869 §2.2).
    fn salt(salt: &Self::Salt) -> &[u8];

    /// What precedes a frame under its tag without being sent.
    fn associated_data<'a>(framing: &'a Self::Framing<'_>) -> [&'a [u8]; 2];

    /// Appends what stands before the body, up to and with the body's length.
    fn begin(framing: &Self::Framing<'_>, head: &FrameHead, out: &mut Vec<u8>);

    /// Appends what stands between the body and the tag.
    fn end(framing: &Self::Framing<'_>, out: &mut Vec<u8>);
}
