// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading only the bytes that an encoder writes (olm_megolm.md §1.3 and §2): each field in its place,
//! and varints in their shortest form. [`Error::Malformed`] for anything else.

use e2ee_wire::{Error, Reader, varint};

/// What follows the version byte, before anything else is looked at; [`Error::UnsupportedVersion`]
/// for another version.
pub fn versioned(bytes: &[u8], version: u8) -> Result<Reader<'_>, Error> {
    match bytes.split_first() {
        Some((first, rest)) if *first == version => Ok(Reader::new(rest)),
        Some(_) => Err(Error::UnsupportedVersion),
        None => Err(Error::Malformed),
    }
}

/// The tag of the field that must come next.
pub fn tag<const N: usize>(reader: &mut Reader<'_>, expected: [u8; N]) -> Result<(), Error> {
    if *reader.array()? == expected { Ok(()) } else { Err(Error::Malformed) }
}

/// A field with an index of at most 32 bits.
pub fn index_field(reader: &mut Reader<'_>, expected: u8) -> Result<u32, Error> {
    tag(reader, [expected])?;
    u32::try_from(shortest(reader)?).map_err(|_| Error::Malformed)
}

/// A field with bytes behind their length.
pub fn bytes_field<'a>(reader: &mut Reader<'a>, expected: u8) -> Result<&'a [u8], Error> {
    tag(reader, [expected])?;
    let length = usize::try_from(shortest(reader)?).map_err(|_| Error::Malformed)?;
    reader.take(length)
}

/// A varint in its shortest form; others are read by peers, and written by nobody.
fn shortest(reader: &mut Reader<'_>) -> Result<u64, Error> {
    let before = reader.rest().len();
    let value = varint::read(reader)?;
    let taken = before.saturating_sub(reader.rest().len());
    if taken == varint::encoded_len(value) { Ok(value) } else { Err(Error::Malformed) }
}
