// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sequence numbers: which message comes next, and which ones the other end has
//! (mtproto_secret_chats.md §5).

use e2ee_wire::{Error, record::RecordReader};

use crate::{
    limits::{MAX_GAP, MAX_MESSAGES},
    message::Layered,
    role::Role,
};

/// How many messages went in each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that we have made.
    pub sent: u32,
    /// Messages of ours that the other end has, and needs no more.
    pub acknowledged: u32,
    /// Messages of the other end that were taken in, in order; the next one has this number.
    pub received: u32,
}

/// The numbers of a message without the bits of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Messages that its sender had made before it.
    pub out: u32,
    /// Messages of ours that its sender had taken in.
    pub acknowledges: u32,
}

impl Counts {
    /// What the next message of ours says of itself: `in_seq_no` and `out_seq_no`.
    ///
    /// [`Error::Exhausted`] if the numbers are used up.
    pub fn next(&self, ours: Role) -> Result<(u32, u32), Error> {
        if self.sent >= MAX_MESSAGES {
            return Err(Error::Exhausted);
        }
        Ok((on_wire(self.received, ours.in_bit()), on_wire(self.sent, ours.out_bit())))
    }

    /// The numbers of a message that came, whether it is the next one or not.
    ///
    /// [`Error::Malformed`] for bits that the other end does not send, and if it has taken in more
    /// than we have made; [`Error::Duplicate`] for a message that was taken in;
    /// [`Error::TooFarAhead`] behind a gap that nobody fills.
    pub fn place(&self, message: &Layered<'_>, theirs: Role) -> Result<Numbers, Error> {
        let (out, acknowledges) = (message.out_seq_no, message.in_seq_no);
        if out & 1 != theirs.out_bit() || acknowledges & 1 != theirs.in_bit() {
            return Err(Error::Malformed);
        }
        let numbers = Numbers { out: out >> 1, acknowledges: acknowledges >> 1 };
        let ahead = numbers.out.checked_sub(self.received).ok_or(Error::Duplicate)?;
        if numbers.acknowledges > self.sent {
            return Err(Error::Malformed);
        }
        if ahead > MAX_GAP { Err(Error::TooFarAhead) } else { Ok(numbers) }
    }

    /// Takes in the next message; returns the numbers of ours that are not needed any more.
    ///
    /// [`Error::Malformed`] if its sender says to have fewer messages of ours than before, or more
    /// than there are.
    pub fn take_in(&mut self, numbers: Numbers) -> Result<core::ops::Range<u32>, Error> {
        let acknowledged = self.acknowledged..numbers.acknowledges;
        if numbers.acknowledges < self.acknowledged || numbers.acknowledges > self.sent {
            return Err(Error::Malformed);
        }
        self.received = self.received.checked_add(1).ok_or(Error::Exhausted)?;
        self.acknowledged = numbers.acknowledges;
        Ok(acknowledged)
    }

    /// Appends them to a record.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for count in [self.sent, self.acknowledged, self.received] {
            out.extend_from_slice(&count.to_be_bytes());
        }
    }

    /// Reads them back.
    pub fn decode(reader: &mut RecordReader<'_>) -> Result<Self, Error> {
        let counts =
            Self { sent: reader.u32()?, acknowledged: reader.u32()?, received: reader.u32()? };
        if counts.acknowledged > counts.sent || counts.sent > MAX_MESSAGES {
            return Err(Error::CorruptState);
        }
        Ok(counts)
    }
}

/// A number as messages carry it: twice of it, and a bit of who counts.
#[must_use]
pub const fn on_wire(number: u32, bit: u32) -> u32 {
    number.wrapping_shl(1) | bit
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: Counts = Counts { sent: 5, acknowledged: 2, received: 3 };

    fn message(in_seq_no: u32, out_seq_no: u32) -> Layered<'static> {
        Layered { layer: 144, in_seq_no, out_seq_no, message: &[] }
    }

    #[test]
    fn each_end_marks_its_numbers_with_its_own_bits() {
        assert_eq!(Ok((6, 11)), COUNTS.next(Role::Originator));
        assert_eq!(Ok((7, 10)), COUNTS.next(Role::Responder));
    }

    #[test]
    fn the_next_message_takes_its_place() {
        let numbers = COUNTS.place(&message(9, 6), Role::Responder);

        assert_eq!(Ok(Numbers { out: 3, acknowledges: 4 }), numbers);
    }

    #[test]
    fn bits_of_the_wrong_end_are_malformed() {
        for (acknowledges, out) in [(8, 6), (9, 7), (8, 7)] {
            let placed = COUNTS.place(&message(acknowledges, out), Role::Responder);
            assert_eq!(Err(Error::Malformed), placed);
        }
    }

    #[test]
    fn a_number_that_was_taken_in_is_a_repetition_whatever_else_it_says() {
        assert_eq!(Err(Error::Duplicate), COUNTS.place(&message(999, 4), Role::Responder));
    }

    #[test]
    fn messages_that_we_never_made_cannot_be_acknowledged() {
        assert!(COUNTS.place(&message(11, 6), Role::Responder).is_ok());
        assert_eq!(Err(Error::Malformed), COUNTS.place(&message(13, 6), Role::Responder));
    }

    #[test]
    fn a_gap_has_its_limit() {
        let at = |ahead: u32| COUNTS.place(&message(5, 2 * (3 + ahead)), Role::Responder);

        assert!(at(MAX_GAP).is_ok());
        assert_eq!(Err(Error::TooFarAhead), at(MAX_GAP + 1));
    }

    #[test]
    fn what_is_acknowledged_never_falls() {
        let mut counts = COUNTS;
        assert_eq!(Ok(2..4), counts.take_in(Numbers { out: 3, acknowledges: 4 }));

        let before = counts;
        let fallen = counts.take_in(Numbers { out: 4, acknowledges: 3 });

        assert_eq!((Err(Error::Malformed), before), (fallen, counts));
    }

    #[test]
    fn numbers_end_before_they_do_not_fit() {
        let counts = Counts { sent: MAX_MESSAGES - 1, acknowledged: 0, received: 0 };
        assert_eq!(Ok((0, u32::MAX >> 1)), counts.next(Role::Originator));

        let counts = Counts { sent: MAX_MESSAGES, ..counts };
        assert_eq!(Err(Error::Exhausted), counts.next(Role::Originator));
    }
}
