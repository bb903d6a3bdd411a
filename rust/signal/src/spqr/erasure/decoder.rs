// SPDX-License-Identifier: MIT OR Apache-2.0
//! Collecting chunks until they rebuild an object (spqr.md §4).

use e2ee_wire::Error;

use super::{Chunk, rebuild, row_count};

/// Collects chunks of an object of `LEN` bytes, always fewer than rebuild it.
///
/// The chunk that would complete the object is not kept: [`Decoder::completed_by`] rebuilds with
/// it, and the caller goes on to its next state or refuses the object. Chunks that a store holds
/// need not be read before that: in order, each one that comes is newer than all of them.
#[derive(Debug, Default)]
pub struct Decoder<const LEN: usize> {
    /// Ascending by index.
    chunks: Vec<Chunk>,
    /// Those that were left in the store, if any.
    left: Option<Kept>,
}

/// What is known of chunks without reading them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// How many there are.
    pub count: usize,
    /// The highest index; 0 if there is none.
    pub newest: u16,
}

/// What became of a chunk that completes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addition {
    /// It was there already, or there is no room for it.
    Nothing,
    /// It is kept.
    Added,
    /// It is kept in the place of another one with its index.
    Replaced,
}

impl<const LEN: usize> Decoder<LEN> {
    /// The distinct chunks that rebuild the object.
    pub const NEEDED: usize = row_count(LEN);

    /// A decoder without chunks.
    #[must_use]
    pub const fn new() -> Self {
        Self { chunks: Vec::new(), left: None }
    }

    /// A decoder with its first chunk.
    #[must_use]
    pub fn starting_with(chunk: Chunk) -> Self {
        Self { chunks: vec![chunk], left: None }
    }

    /// A decoder whose chunks stay in the store; [`Error::CorruptState`] if they would rebuild the
    /// object.
    pub const fn left(kept: Kept) -> Result<Self, Error> {
        match kept {
            Kept { count: 0, newest: 0 } => Ok(Self::new()),
            Kept { count: 0, .. } => Err(Error::CorruptState),
            Kept { count, .. } if count >= Self::NEEDED => Err(Error::CorruptState),
            kept => Ok(Self { chunks: Vec::new(), left: Some(kept) }),
        }
    }

    /// Takes in the chunks that were left in the store; [`Error::CorruptState`] if they are others,
    /// and if they do not ascend.
    pub fn fill(&mut self, stored: &[Chunk]) -> Result<(), Error> {
        let newest = stored.last().map_or(0, |chunk| chunk.index);
        let ascending = stored.iter().zip(stored.iter().skip(1)).all(|(a, b)| a.index < b.index);
        let expected = self.left.unwrap_or(Kept { count: 0, newest: 0 });
        if !ascending || expected != (Kept { count: stored.len(), newest }) {
            return Err(Error::CorruptState);
        }
        // Those that came since are newer than all that were left.
        self.chunks.splice(..0, stored.iter().copied());
        self.left = None;
        Ok(())
    }

    /// The chunks in memory, ascending by index: without those that were left in the store.
    #[must_use]
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// How many there are, and the highest index, with those that were left in the store.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let newest = self.chunks.last().map(|chunk| chunk.index);
        let left = self.left.unwrap_or(Kept { count: 0, newest: 0 });
        let count = left.count.saturating_add(self.chunks.len());
        Kept { count, newest: newest.unwrap_or(left.newest) }
    }

    /// The object, if it needed only this chunk.
    ///
    /// [`Error::PartMissing`] if only the chunks that were left in the store can tell.
    pub fn completed_by(&self, chunk: &Chunk) -> Result<Option<Box<[u8; LEN]>>, Error> {
        let Err(position) = self.position(chunk.index) else { return Ok(None) };
        if self.left.is_some_and(|left| chunk.index <= left.newest) {
            return Err(Error::PartMissing);
        }
        if self.kept().count + 1 < Self::NEEDED {
            return Ok(None);
        }
        if self.left.is_some() {
            return Err(Error::PartMissing);
        }
        let mut chunks = self.chunks.clone();
        chunks.insert(position, *chunk);
        Ok(Some(Box::new(rebuild(&chunks))))
    }

    /// Keeps a chunk that completes nothing, as [`Decoder::completed_by`] said; a later one replaces
    /// an earlier one of the same index.
    pub fn add(&mut self, chunk: &Chunk) -> Addition {
        match self.position(chunk.index) {
            Ok(position) => match self.chunks.get_mut(position) {
                Some(kept) if *kept != *chunk => {
                    *kept = *chunk;
                    Addition::Replaced
                }
                _ => Addition::Nothing,
            },
            Err(position) if self.kept().count + 1 < Self::NEEDED => {
                self.chunks.insert(position, *chunk);
                Addition::Added
            }
            Err(_) => Addition::Nothing,
        }
    }

    fn position(&self, index: u16) -> Result<usize, usize> {
        self.chunks.binary_search_by_key(&index, |chunk| chunk.index)
    }
}
