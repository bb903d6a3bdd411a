// SPDX-License-Identifier: MIT OR Apache-2.0
//! When our session of a room gives way to the next one, as the room asks for (olm_megolm.md §8:
//! `rotation_period_msgs` and `rotation_period_ms` of `m.room.encryption`).

/// A day in milliseconds.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// After how many messages and how long a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    pub(super) messages: u32,
    pub(super) period_ms: u64,
}

impl Rotation {
    /// What a room gets that asks for nothing: 100 messages, or a week.
    pub const DEFAULT: Self = Self { messages: 100, period_ms: 7 * DAY_MS };
    /// The most that a room can ask for: a server can write what it wants there.
    pub const MOST: Self = Self { messages: 10_000, period_ms: 100 * DAY_MS };

    /// After so many messages and milliseconds; less than one counts as one, and more than
    /// [`Rotation::MOST`] as that.
    #[must_use]
    pub fn after(messages: u32, period_ms: u64) -> Self {
        Self {
            messages: messages.clamp(1, Self::MOST.messages),
            period_ms: period_ms.clamp(1, Self::MOST.period_ms),
        }
    }

    /// Whether a session is to end that has encrypted so many messages and began then.
    pub(super) const fn is_due(self, messages: u32, (began_ms, now_ms): (u64, u64)) -> bool {
        messages >= self.messages || now_ms.saturating_sub(began_ms) >= self.period_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_with_its_last_message_or_its_time() {
        let rotation = Rotation::after(100, 1_000);

        for (messages, now_ms, expected) in
            [(0, 5, false), (99, 1_004, false), (100, 5, true), (0, 1_005, true), (0, 0, false)]
        {
            assert_eq!(expected, rotation.is_due(messages, (5, now_ms)), "{messages} {now_ms}");
        }
    }

    #[test]
    fn a_server_can_ask_neither_for_no_rotation_nor_for_nothing_else() {
        assert_eq!(Rotation::MOST, Rotation::after(u32::MAX, u64::MAX));
        assert_eq!(Rotation { messages: 1, period_ms: 1 }, Rotation::after(0, 0));
    }
}
