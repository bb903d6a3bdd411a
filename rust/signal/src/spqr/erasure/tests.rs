// SPDX-License-Identifier: MIT OR Apache-2.0
//! Objects from every kind of chunk set (spqr.md §4).

use e2ee_wire::Error;

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
        if let Some(object) = decoder.completed_by(&chunk).unwrap() {
            return *object;
        }
        assert_eq!(Addition::Added, decoder.add(&chunk));
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
    assert_eq!(Addition::Added, decoder.add(&wrong));
    assert_eq!(Addition::Added, decoder.add(&encoder.chunk(7)));

    assert_eq!(Ok(None), decoder.completed_by(&encoder.chunk(0)));
    assert_eq!(Addition::Replaced, decoder.add(&encoder.chunk(0)));
    assert_eq!(Addition::Nothing, decoder.add(&encoder.chunk(0)));

    let object = decoder.completed_by(&encoder.chunk(2)).unwrap().unwrap();
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

/// A decoder that left chunks 1, 4 and 6 of a vector in the store, and those chunks.
fn left_in_the_store() -> (Decoder<1152>, Vec<Chunk>) {
    let chunks: Vec<Chunk> = [1, 4, 6].map(|index| encoder::<1152>().chunk(index)).to_vec();
    (Decoder::left(Kept { count: 3, newest: 6 }).unwrap(), chunks)
}

#[test]
fn a_newer_chunk_needs_none_of_those_in_the_store_and_an_older_one_does() {
    let (mut decoder, stored) = left_in_the_store();

    for index in [7, 9, 8] {
        let chunk = encoder::<1152>().chunk(index);
        assert_eq!(Ok(None), decoder.completed_by(&chunk));
        assert_eq!(Addition::Added, decoder.add(&chunk));
        assert_eq!(Ok(None), decoder.completed_by(&chunk));
    }
    for index in [0, 4, 6] {
        let chunk = encoder::<1152>().chunk(index);
        assert_eq!(Err(Error::PartMissing), decoder.completed_by(&chunk));
    }
    assert_eq!(Kept { count: 6, newest: 9 }, decoder.kept());

    decoder.fill(&stored).unwrap();

    let indices: Vec<u16> = decoder.chunks().iter().map(|chunk| chunk.index).collect();
    assert_eq!(vec![1, 4, 6, 7, 8, 9], indices);
    assert_eq!(Ok(None), decoder.completed_by(&stored[0]));
}

#[test]
fn an_object_is_completed_only_with_the_chunks_from_the_store() {
    let encoder = encoder::<1152>();
    let mut decoder = Decoder::<1152>::left(Kept { count: 35, newest: 34 }).unwrap();
    let last = encoder.chunk(40);
    assert_eq!(Err(Error::PartMissing), decoder.completed_by(&last));

    let stored: Vec<Chunk> = (0..35).map(|index| encoder.chunk(index)).collect();
    decoder.fill(&stored).unwrap();

    assert_eq!(encoder.object(), &*decoder.completed_by(&last).unwrap().unwrap());
}

#[test]
fn other_chunks_than_those_that_were_left_are_damage() {
    let (mut decoder, stored) = left_in_the_store();
    let more = encoder::<1152>().chunk(5);

    for wrong in [
        vec![],
        vec![stored[0], stored[2]],
        vec![stored[0], stored[1]],
        vec![stored[0], stored[1], more],
        vec![stored[1], stored[0], stored[2]],
        vec![stored[0], stored[0], stored[2]],
        vec![stored[0], stored[1], more, stored[2]],
    ] {
        assert_eq!(Err(Error::CorruptState), decoder.fill(&wrong));
    }
    assert_eq!(Ok(()), decoder.fill(&stored));
    assert_eq!(Err(Error::CorruptState), decoder.fill(&stored));
}

#[test]
fn a_store_holds_fewer_chunks_than_rebuild_the_object() {
    for (count, newest, legal) in
        [(0, 0, true), (0, 1, false), (1, 0, true), (2, 9, true), (3, 9, false), (4, 9, false)]
    {
        assert_eq!(legal, Decoder::<96>::left(Kept { count, newest }).is_ok(), "{count} {newest}");
    }
}
