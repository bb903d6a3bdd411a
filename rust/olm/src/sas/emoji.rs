// SPDX-License-Identifier: MIT OR Apache-2.0
//! The short string in its two forms, seven emoji or three numbers (olm_megolm.md §4).

use e2ee_primitives::Secret;

/// Bytes from which both forms are read; the numbers need the first five.
const LEN: usize = 6;

/// What two people compare.
#[derive(Debug)]
pub struct ShortString(Secret<LEN>);

impl ShortString {
    /// The string of six derived bytes.
    #[must_use]
    pub const fn new(bytes: Secret<LEN>) -> Self {
        Self(bytes)
    }

    /// The bytes, as vectors record them.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; LEN] {
        self.0.expose()
    }

    /// Seven places in [`EMOJI_NAMES`]: groups of six bits from the top, 42 bits in all.
    #[must_use]
    pub fn emoji(&self) -> [u8; 7] {
        [42, 36, 30, 24, 18, 12, 6].map(|place| {
            let [group, ..] = (self.bits() >> place & 63).to_le_bytes();
            group
        })
    }

    /// Three numbers from 1000 to 9191: 13 bits each, 39 in all.
    #[must_use]
    pub fn decimal(&self) -> [u16; 3] {
        [35, 22, 9].map(|place| {
            let [low, high, ..] = (self.bits() >> place & 0x1fff).to_le_bytes();
            u16::from_le_bytes([low, high]).saturating_add(1_000)
        })
    }

    fn bits(&self) -> u64 {
        self.0.expose().iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    }
}

/// The names of the emoji in English, as Matrix numbers them (`sas-emoji.json`).
///
/// A client shows picture and name in its own language under the same number.
pub const EMOJI_NAMES: [&str; 64] = [
    "Dog",
    "Cat",
    "Lion",
    "Horse",
    "Unicorn",
    "Pig",
    "Elephant",
    "Rabbit",
    "Panda",
    "Rooster",
    "Penguin",
    "Turtle",
    "Fish",
    "Octopus",
    "Butterfly",
    "Flower",
    "Tree",
    "Cactus",
    "Mushroom",
    "Globe",
    "Moon",
    "Cloud",
    "Fire",
    "Banana",
    "Apple",
    "Strawberry",
    "Corn",
    "Pizza",
    "Cake",
    "Heart",
    "Smiley",
    "Robot",
    "Hat",
    "Glasses",
    "Spanner",
    "Santa",
    "Thumbs Up",
    "Umbrella",
    "Hourglass",
    "Clock",
    "Gift",
    "Light Bulb",
    "Book",
    "Pencil",
    "Paperclip",
    "Scissors",
    "Lock",
    "Key",
    "Hammer",
    "Telephone",
    "Flag",
    "Train",
    "Bicycle",
    "Aeroplane",
    "Rocket",
    "Trophy",
    "Ball",
    "Guitar",
    "Trumpet",
    "Bell",
    "Anchor",
    "Headphones",
    "Folder",
    "Pin",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_six_bits_are_read_from_the_top() {
        for place in 0..7 {
            let mut bits = 63_u64 << (42 - 6 * place);
            bits &= 0xffff_ffff_ffff;
            let bytes = bits.to_be_bytes();
            let string = ShortString::new(Secret::from_slice(&bytes[2..]).unwrap());

            let expected = core::array::from_fn(|at| if at == place { 63 } else { 0 });
            assert_eq!(expected, string.emoji(), "{place}");
        }
    }

    #[test]
    fn numbers_run_from_1000_to_9191() {
        assert_eq!([1_000; 3], ShortString::new(Secret::new([0; 6])).decimal());
        assert_eq!([9_191; 3], ShortString::new(Secret::new([0xff; 6])).decimal());
    }

    #[test]
    fn the_last_six_bits_are_shown_by_neither_form() {
        let (zero, other) = ([0; 6], [0, 0, 0, 0, 0, 0x3f]);
        let strings = [zero, other].map(|bytes| ShortString::new(Secret::new(bytes)));

        assert_eq!(strings[0].emoji(), strings[1].emoji());
        assert_eq!(strings[0].decimal(), strings[1].decimal());
    }

    #[test]
    fn every_emoji_has_a_name_of_its_own() {
        let mut names = EMOJI_NAMES.to_vec();
        names.sort_unstable();
        names.dedup();

        assert_eq!(64, names.len());
        assert_eq!(("Dog", "Pin"), (EMOJI_NAMES[0], EMOJI_NAMES[63]));
    }
}
