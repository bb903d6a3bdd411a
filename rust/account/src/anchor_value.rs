// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an anchor holds of a store (docs/formats.md, "Anchor").

use e2ee_state::{StoreError, Timeline};
use e2ee_wire::{Error, record::RecordReader};

use crate::generation::Token;

const VERSION: u8 = 1;
/// The same, of a store in a database server that says on which timeline it writes.
const VERSION_WITH_TIMELINE: u8 = 2;
/// Bytes of a store id.
pub const STORE_ID_LEN: usize = 16;

/// What the anchor was told, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchorValue {
    /// Which state of the store may send.
    pub token: Token,
    /// The timeline of the server that it was told from.
    pub timeline: Option<Timeline>,
}

impl AnchorValue {
    /// The value: version, store id, token, and the timeline if there is one.
    #[must_use]
    pub fn encode(self, store_id: &[u8; STORE_ID_LEN]) -> Vec<u8> {
        let version = if self.timeline.is_some() { VERSION_WITH_TIMELINE } else { VERSION };
        let mut out = vec![version];
        out.extend_from_slice(store_id);
        self.token.encode(&mut out);
        if let Some(Timeline { system, number }) = self.timeline {
            out.extend_from_slice(&system.to_be_bytes());
            out.extend_from_slice(&number.to_be_bytes());
        }
        out
    }

    /// Whether an anchor that was told this need not be told `other`.
    #[must_use]
    pub fn says(self, other: Self) -> bool {
        self.token == other.token && (other.timeline.is_none() || self.timeline == other.timeline)
    }

    /// Reads it back; [`StoreError::WrongAnchor`] if the value is not of this store.
    pub fn decode(value: &[u8], store_id: &[u8; STORE_ID_LEN]) -> Result<Self, StoreError> {
        match Self::parse(value) {
            Ok((found, told)) if found == store_id => Ok(told),
            _ => Err(StoreError::WrongAnchor),
        }
    }

    fn parse(value: &[u8]) -> Result<(&[u8; STORE_ID_LEN], Self), Error> {
        let mut reader = RecordReader::new(value);
        let version = reader.u8()?;
        let store_id = reader.array()?;
        let token = Token::decode(&mut reader)?;
        let timeline = match version {
            VERSION => None,
            VERSION_WITH_TIMELINE => {
                Some(Timeline { system: reader.u64()?, number: reader.u32()? })
            }
            _ => return Err(Error::UnsupportedVersion),
        };
        reader.finish()?;
        Ok((store_id, Self { token, timeline }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: [u8; STORE_ID_LEN] = [7; STORE_ID_LEN];

    fn told(timeline: Option<Timeline>) -> Result<AnchorValue, Error> {
        let token = Token::decode(&mut RecordReader::new(&[9; 24]))?;
        Ok(AnchorValue { token, timeline })
    }

    #[test]
    fn a_value_is_read_as_it_was_written() -> Result<(), Error> {
        for (timeline, len) in [(None, 41), (Some(Timeline { system: 1 << 63, number: 3 }), 53)] {
            let value = told(timeline)?.encode(&STORE);

            assert_eq!(value.len(), len);
            assert_eq!(AnchorValue::decode(&value, &STORE), Ok(told(timeline)?));
        }
        Ok(())
    }

    #[test]
    fn other_values_are_refused() -> Result<(), Error> {
        let value = told(Some(Timeline { system: 1, number: 2 }))?.encode(&STORE);
        let refused = |value: &[u8]| AnchorValue::decode(value, &STORE);

        for len in 0..value.len() {
            assert_eq!(refused(value.get(..len).unwrap_or_default()), Err(StoreError::WrongAnchor));
        }
        for (at, other) in [(0, 1), (0, 3), (16, 6)] {
            let mut changed = value.clone();
            changed.iter_mut().skip(at).take(1).for_each(|byte| *byte = other);
            assert_eq!(refused(&changed), Err(StoreError::WrongAnchor));
        }
        assert_eq!(refused(&[&value[..], &[0]].concat()), Err(StoreError::WrongAnchor));
        Ok(())
    }
}
