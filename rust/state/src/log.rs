// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be told of a damaged write-ahead log of `SQLite` (docs/storage.md, "A damaged log").
//!
//! `SQLite` takes a log for ended where its chain of checksums breaks, as a loss of power may have
//! torn what was written last. But a commit behind the break which another frame was chained to
//! had been seen as committed, and so was synced: that it is cut off is damage.
//!
//! The format of the log: <https://sqlite.org/fileformat2.html#walformat>.

/// Whether `SQLite` would leave out transactions of this log that were durable.
///
/// False for every log that a loss of power may leave: of what was not synced, each piece may be
/// there or not, but at its end is one transaction alone, and nothing is chained to its commit.
/// So damage in the last transaction is not seen, nor in the last frame before it.
#[must_use]
pub fn is_damaged(log: &[u8]) -> bool {
    let Some((header, frames)) = log.split_first_chunk() else {
        return false;
    };
    match Layout::of(header) {
        Some((layout, sum)) => layout.is_cut(Some(sum), frames),
        None => header_is_damaged(header, frames),
    }
}

/// How the frames of a log are laid out, and the salts of those that count.
struct Layout {
    order: Order,
    page_size: usize,
    salts: [u8; 8],
}

/// The order of bytes in which a log's words are summed up.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

/// The sums of all words so far, from which the next frame goes on.
type Sum = (u32, u32);

/// A page of the log.
struct Frame<'a> {
    /// Its number, and behind a transaction's last page the number of all pages.
    place: &'a [u8; 8],
    salts: &'a [u8; 8],
    sum: Sum,
    page: &'a [u8],
}

impl Layout {
    /// What a header says that is whole, and its checksum.
    fn of(header: &[u8; HEADER_LEN]) -> Option<(Self, Sum)> {
        let words = words(header);
        let [magic, version, page_size, _, salt, second_salt, first, second] = words;
        let order = Order::of(magic)?;
        let sum = order.sum((0, 0), header.get(..SUMMED_LEN)?);
        let is_whole = version == VERSION && PAGE_SIZES.contains(&page_size);
        let layout = Self {
            order,
            page_size: usize::try_from(page_size).ok()?,
            salts: joined(salt, second_salt),
        };
        (is_whole && sum == (first, second)).then_some((layout, sum))
    }

    /// Whether the chain breaks, and goes on behind the break across the end of a transaction.
    fn is_cut(&self, header: Option<Sum>, frames: &[u8]) -> bool {
        let (mut before, mut is_whole, mut is_committed) = (header, true, false);
        for frame in self.frames(frames) {
            if *frame.salts != self.salts {
                (before, is_whole, is_committed) = (None, false, false);
                continue;
            }
            let follows = before.is_some_and(|sum| self.sum(sum, &frame) == frame.sum);
            if follows && is_committed {
                return true;
            }
            is_whole &= follows;
            is_committed = !is_whole && follows && frame.ends_a_transaction();
            before = Some(frame.sum);
        }
        false
    }

    fn frames<'a>(&self, frames: &'a [u8]) -> impl Iterator<Item = Frame<'a>> {
        frames.chunks_exact(FRAME_HEADER_LEN + self.page_size).filter_map(Frame::of)
    }

    /// The sum behind a frame, if this was the one before it.
    fn sum(&self, before: Sum, frame: &Frame<'_>) -> Sum {
        self.order.sum(self.order.sum(before, frame.place), frame.page)
    }

    /// The header that the first frame of a log was chained to.
    fn original(&self, magic: u32, frames: &[u8]) -> Option<[u32; 8]> {
        let order = self.order;
        let frame = self.frames(frames).next()?;
        let sum = order.undo(order.undo(frame.sum, frame.page), frame.place);
        let (first, second) = order.undo(sum, &self.salts);
        let page_size = u32::try_from(self.page_size).ok()?;
        let begin = order.sum((0, 0), &joined(magic, VERSION));
        let fits = begin.0.wrapping_add(order.turned(page_size)).wrapping_add(begin.1) == first;
        let checkpoint = order.turned(second.wrapping_sub(begin.1).wrapping_sub(first));
        let [salt, second_salt] = words(&self.salts);
        fits.then_some([magic, VERSION, page_size, checkpoint, salt, second_salt, sum.0, sum.1])
    }
}

impl Order {
    fn of(magic: u32) -> Option<Self> {
        match magic {
            LITTLE => Some(Self::Little),
            BIG => Some(Self::Big),
            _ => None,
        }
    }

    /// The sums with these words added, of which there is an even number.
    fn sum(self, before: Sum, bytes: &[u8]) -> Sum {
        bytes.chunks_exact(8).fold(before, |(first, second), pair| {
            let [one, other] = words(pair).map(|word| self.turned(word));
            let first = first.wrapping_add(one).wrapping_add(second);
            (first, second.wrapping_add(other).wrapping_add(first))
        })
    }

    /// The sums before these words were added.
    fn undo(self, behind: Sum, bytes: &[u8]) -> Sum {
        bytes.chunks_exact(8).rfold(behind, |(first, second), pair| {
            let [one, other] = words(pair).map(|word| self.turned(word));
            let second = second.wrapping_sub(other).wrapping_sub(first);
            (first.wrapping_sub(one).wrapping_sub(second), second)
        })
    }

    /// A word that was read or is written as a big-endian one.
    fn turned(self, word: u32) -> u32 {
        match self {
            Self::Little => word.swap_bytes(),
            Self::Big => word,
        }
    }
}

impl<'a> Frame<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let (place, bytes) = bytes.split_first_chunk()?;
        let (salts, bytes) = bytes.split_first_chunk()?;
        let (sum, page) = bytes.split_first_chunk::<8>()?;
        let [first, second] = words(sum);
        Some(Self { place, salts, sum: (first, second), page })
    }

    fn ends_a_transaction(&self) -> bool {
        let [_, pages] = words(self.place);
        pages != 0
    }
}

/// Whether a header that is not whole was damaged, and hides transactions that were durable.
///
/// A log that is in the file as a whole begins anew with a header whose checkpoint and salts are
/// other ones, and that write may be torn. Damage is what cannot come of that: one word is another
/// than in the header which the first frame was chained to. A tear leaves no such header, unless
/// the word is the last one, or the checkpoint is the next one.
fn header_is_damaged(header: &[u8; HEADER_LEN], frames: &[u8]) -> bool {
    let found = words(header);
    let Some(salts) = frames.get(8..16).and_then(|salts| salts.try_into().ok()) else {
        return false;
    };
    let layouts = PAGE_SIZES.into_iter().filter_map(|size| usize::try_from(size).ok());
    layouts.flat_map(|size| [(size, LITTLE, Order::Little), (size, BIG, Order::Big)]).any(
        |(page_size, magic, order)| {
            let layout = Layout { order, page_size, salts };
            layout.original(magic, frames).is_some_and(|original| is_damage(&original, &found))
                && layout.is_cut(None, frames)
        },
    )
}

/// Whether one word alone is another one, which no tear leaves so.
fn is_damage(original: &[u32; 8], found: &[u32; 8]) -> bool {
    let mut differing =
        (0..).zip(original.iter().zip(found)).filter(|(_, (one, other))| one != other);
    match (differing.next(), differing.next()) {
        (Some((LAST_WORD, _)), None) => false,
        (Some((CHECKPOINT_WORD, (original, found))), None) => *found != original.wrapping_add(1),
        (Some(_), None) => true,
        _ => false,
    }
}

/// The first words of these bytes.
fn words<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    words
}

fn joined(first: u32, second: u32) -> [u8; 8] {
    ((u64::from(first) << 32) | u64::from(second)).to_be_bytes()
}

const HEADER_LEN: usize = 32;
/// What of the header its checksum is over.
const SUMMED_LEN: usize = 24;
const FRAME_HEADER_LEN: usize = 24;
/// The magic numbers, which say how words are summed up.
const LITTLE: u32 = 0x377f_0682;
const BIG: u32 = 0x377f_0683;
const VERSION: u32 = 3_007_000;
const PAGE_SIZES: [u32; 8] = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];
const CHECKPOINT_WORD: usize = 3;
const LAST_WORD: usize = 7;
