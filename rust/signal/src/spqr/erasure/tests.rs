// SPDX-License-Identifier: MIT OR Apache-2.0
//! Objects from every kind of chunk set (spqr.md §4).

use super::*;

fn encoder<const LEN: usize>() -> Encoder<LEN> {
    let mut object = Box::new([0; LEN]);
    for (byte, value) in object.iter_mut().zip(0_u32..) {
        *byte = (value.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0];
    }
    Encoder::new(object, 0)
}

/// Feeds the chunks with these indices; only the last may complete the object.
fn decode<const LEN: usize>(indices: impl Iterator<Item = u16>) -> [u8; LEN] {
    let encoder = encoder::<LEN>();
    let mut decoder = Decoder::<LEN>::new();
    for index in indices {
        let chunk = encoder.chunk(index);
        if let Some(object) = decoder.completed_by(&chunk) {
            return *object;
        }
        assert!(decoder.add(&chunk));
    }
    panic!("too few chunks");
}

fn any_chunks_rebuild<const LEN: usize>() {
    let object = *encoder::<LEN>().into_object();
    let rows = u16::try_from(LEN / CHUNK_LEN).unwrap();

    assert_eq!(object, decode(0..rows));
    assert_eq!(object, decode((0..rows).rev()));
    assert_eq!(object, decode(1..=rows));
    assert_eq!(object, decode(rows..2 * rows));
    assert_eq!(
        object,
        decode((65_536 - u32::from(rows)..65_536).map(|x| u16::try_from(x).unwrap()))
    );
    assert_eq!(object, decode((0..rows).map(|x| x.wrapping_mul(40_503))));
}

#[test]
fn any_chunks_rebuild_an_object_of_each_size() {
    any_chunks_rebuild::<96>();
    any_chunks_rebuild::<160>();
    any_chunks_rebuild::<960>();
    any_chunks_rebuild::<1152>();
}

#[test]
fn the_first_chunks_are_the_object_itself_and_then_the_index_goes_on() {
    let mut encoder = encoder::<96>();
    let object = *encoder.object();

    for (row, index) in object.chunks(CHUNK_LEN).zip(0..) {
        assert_eq!(row, encoder.next_chunk().bytes);
        assert_eq!(index + 1, encoder.next_index());
    }
    assert_eq!(3, encoder.next_chunk().index);
}

#[test]
fn the_index_wraps_to_the_first_chunk() {
    let mut encoder = Encoder::new(encoder::<96>().into_object(), u16::MAX);

    assert_eq!(u16::MAX, encoder.next_chunk().index);
    assert_eq!(encoder.chunk(0), encoder.next_chunk());
}

#[test]
fn a_repeated_chunk_completes_nothing_and_the_later_one_stays() {
    let encoder = encoder::<96>();
    let mut decoder = Decoder::<96>::new();
    let wrong = Chunk { index: 0, bytes: [9; 32] };
    assert!(decoder.add(&wrong));
    assert!(decoder.add(&encoder.chunk(7)));

    assert!(decoder.completed_by(&encoder.chunk(0)).is_none());
    assert!(decoder.add(&encoder.chunk(0)));
    assert!(!decoder.add(&encoder.chunk(0)));

    let object = decoder.completed_by(&encoder.chunk(2)).unwrap();
    assert_eq!(encoder.object(), &*object);
}

#[test]
fn a_decoder_never_holds_as_many_chunks_as_the_object_has() {
    let encoder = encoder::<96>();
    let mut decoder = Decoder::<96>::new();

    for index in 0..10 {
        decoder.add(&encoder.chunk(index));
    }

    assert_eq!(2, decoder.chunks().len());
}
