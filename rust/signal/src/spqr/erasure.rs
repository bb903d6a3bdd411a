// SPDX-License-Identifier: MIT OR Apache-2.0
//! The erasure code: any N chunks of an object of N·32 bytes rebuild it (spqr.md §4).
//!
//! Sixteen polynomials over GF(2¹⁶), one for each column of two bytes, take the object's rows at
//! x = 0 … N − 1; chunk i is their values at x = i. Everything here is public data.

mod decoder;

use super::field::{LOGS, ORDER, double, log, mask, power};

pub use decoder::{Addition, Decoder, Kept};

/// Bytes in a chunk, and in a row of an object.
pub const CHUNK_LEN: usize = 32;

/// The value of an object's sixteen polynomials at one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The point, as the field element with this integer value.
    pub index: u16,
    /// The values, two bytes each.
    pub bytes: [u8; CHUNK_LEN],
}

/// Produces chunks of an object of `LEN` bytes without end.
#[derive(Debug)]
pub struct Encoder<const LEN: usize> {
    object: Box<[u8; LEN]>,
    next: u16,
}

impl<const LEN: usize> Encoder<LEN> {
    const POINTS: [Point; MAX_ROWS] = first_points(row_count(LEN));

    /// An encoder whose next chunk has the index `next`.
    #[must_use]
    pub const fn new(object: Box<[u8; LEN]>, next: u16) -> Self {
        Self { object, next }
    }

    /// The next chunk; the index wraps at 2¹⁶.
    pub fn next_chunk(&mut self) -> Chunk {
        let index = self.next;
        self.next = index.wrapping_add(1);
        self.chunk(index)
    }

    /// The chunk with the given index: a row of the object if it has so many, otherwise parity.
    #[must_use]
    pub fn chunk(&self, index: u16) -> Chunk {
        let rows = self.object.as_chunks().0;
        let row = rows.get(usize::from(index)).copied();
        let bytes = row.unwrap_or_else(|| {
            let points = Self::POINTS.get(..rows.len()).unwrap_or_default();
            interpolate(points, rows.iter(), index)
        });
        Chunk { index, bytes }
    }

    /// The index of the next chunk.
    #[must_use]
    pub const fn next_index(&self) -> u16 {
        self.next
    }

    /// The object.
    #[must_use]
    pub const fn object(&self) -> &[u8; LEN] {
        &self.object
    }

    /// Ends the encoding and gives the object back.
    #[must_use]
    pub fn into_object(self) -> Box<[u8; LEN]> {
        self.object
    }
}

/// A point, and the inverse of the product of its differences from all other points.
#[derive(Clone, Copy)]
struct Point {
    x: u16,
    /// As a logarithm.
    inverse: u32,
}

impl Point {
    /// From the logarithm of that product.
    const fn new(x: u16, product: u32) -> Self {
        Self { x, inverse: ORDER - product % ORDER }
    }
}

/// The object that the chunks, as many as it has rows and ascending by index, lie on.
fn rebuild<const LEN: usize>(chunks: &[Chunk]) -> [u8; LEN] {
    let mut object = [0; LEN];
    let points = points(chunks);
    for (row, x) in object.as_chunks_mut().0.iter_mut().zip(0..) {
        *row = match chunks.binary_search_by_key(&x, |chunk| chunk.index) {
            Ok(position) => chunks.get(position).map_or([0; CHUNK_LEN], |chunk| chunk.bytes),
            Err(_) => interpolate(&points, chunks.iter().map(|chunk| &chunk.bytes), x),
        };
    }
    object
}

/// The points of the chunks.
fn points(chunks: &[Chunk]) -> Vec<Point> {
    let xs = || chunks.iter().map(|chunk| chunk.index);
    xs().map(|x| Point::new(x, xs().filter(|&l| l != x).map(|l| log(x ^ l)).sum())).collect()
}

/// The points 0 … `count` − 1, with which every encoder works.
#[expect(clippy::indexing_slicing, reason = "runs in the compiler only, which checks the bounds")]
#[expect(clippy::as_conversions, reason = "`From` is not callable in constants; these widen")]
const fn first_points(count: usize) -> [Point; MAX_ROWS] {
    let mut points = [Point { x: 0, inverse: 0 }; MAX_ROWS];
    let (mut rest, _) = points.split_at_mut(count);
    let mut x = 0;
    while let [point, tail @ ..] = rest {
        let (mut product, mut others, mut other) = (0, count, 0);
        while others > 0 {
            if other != x {
                product += LOGS[(x ^ other) as usize] as u32;
            }
            others -= 1;
            other += 1;
        }
        *point = Point::new(x, product);
        x += 1;
        rest = tail;
    }
    points
}

/// The value at `x` of the polynomials that take the rows' values at the points.
///
/// The sum of weighted rows is taken bit by bit of the weights, so that the sixteen columns are
/// worked on side by side and reduced once.
fn interpolate<'a>(
    points: &[Point],
    rows: impl Iterator<Item = &'a [u8; CHUNK_LEN]>,
    x: u16,
) -> [u8; CHUNK_LEN] {
    let mut sums = [[0_u16; COLUMNS]; 16];
    for (weight, row) in weights(points, x).zip(rows) {
        let row = elements(row);
        for (sum, bit) in sums.iter_mut().zip(0..) {
            let kept = mask(weight >> bit);
            sum.iter_mut().zip(row).for_each(|(sum, element)| *sum ^= element & kept);
        }
    }
    let mut values = [0_u16; COLUMNS];
    for sum in sums.iter().rev() {
        values.iter_mut().zip(sum).for_each(|(value, sum)| *value = double(*value) ^ sum);
    }
    let mut bytes = [0; CHUNK_LEN];
    bytes
        .as_chunks_mut()
        .0
        .iter_mut()
        .zip(values)
        .for_each(|(to, value)| *to = value.to_be_bytes());
    bytes
}

/// The Lagrange weight of each point m: the product of (x − l) / (m − l) over all other points l.
fn weights(points: &[Point], x: u16) -> impl Iterator<Item = u16> {
    let all: u32 = points.iter().map(|point| log(x ^ point.x)).sum();
    points.iter().map(move |point| power(all - log(x ^ point.x) + point.inverse))
}

fn elements(row: &[u8; CHUNK_LEN]) -> [u16; COLUMNS] {
    let mut elements = [0; COLUMNS];
    elements.iter_mut().zip(row.as_chunks().0).for_each(|(to, two)| *to = u16::from_be_bytes(*two));
    elements
}

/// The rows of an object of `len` bytes.
const fn row_count(len: usize) -> usize {
    assert!(len.is_multiple_of(CHUNK_LEN) && len / CHUNK_LEN <= MAX_ROWS, "not an object");
    len / CHUNK_LEN
}

/// Field elements in a chunk.
const COLUMNS: usize = 16;

/// Rows of the largest object, the vector of an encapsulation key.
const MAX_ROWS: usize = 36;

#[cfg(test)]
mod tests;
