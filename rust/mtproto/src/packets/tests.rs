// SPDX-License-Identifier: MIT OR Apache-2.0
//! Packets of a call: what opens, what does not, and which numbers are taken
//! (mtproto_secret_chats.md §8).

use super::*;
use crate::call::tests::both;

const CHANNELS: [Channel; 2] = [Channel::Transport, Channel::Signaling];

fn sealed(call: &Call, channel: Channel, body: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    call.seal(channel, body, &mut packet).unwrap();
    packet
}

#[test]
fn each_end_opens_what_the_other_sealed_on_the_same_channel_only() {
    let (calling, called) = both();
    for (from, to) in [(&calling, &called), (&called, &calling)] {
        for channel in CHANNELS {
            let packet = sealed(from, channel, b"\0\0\0\x01Hello.");
            for opening in CHANNELS {
                let body = to.open(opening, &packet).map(|body| body.expose().to_vec());
                let expected = (channel == opening).then(|| b"\0\0\0\x01Hello.".to_vec());
                assert_eq!(expected.ok_or(Error::Forged), body);
            }
            // One's own packet, sent back.
            assert_eq!(Error::Forged, from.open(channel, &packet).unwrap_err());
        }
    }
}

#[test]
fn a_packet_with_any_bit_changed_does_not_open() {
    let (calling, called) = both();
    let packet = sealed(&calling, Channel::Transport, b"\0\0\0\x01Hello.");

    for bit in 0..8 * packet.len() {
        let mut altered = packet.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Error::Forged, called.open(Channel::Transport, &altered).unwrap_err());
    }
}

#[test]
fn a_packet_of_another_length_does_not_open() {
    let (calling, called) = both();
    let packet = sealed(&calling, Channel::Transport, b"\0\0\0\x01Hello.");

    for length in 0..packet.len() {
        let verdict = called.open(Channel::Transport, &packet[..length]);
        assert_eq!(Error::Forged, verdict.unwrap_err());
    }
    let longer = [&packet[..], &[0]].concat();
    assert_eq!(Error::Forged, called.open(Channel::Transport, &longer).unwrap_err());
}

#[test]
fn a_packet_is_appended_to_what_is_there() {
    let (calling, called) = both();
    let mut out = b"before".to_vec();

    calling.seal(Channel::Signaling, b"body", &mut out).unwrap();

    let body = called.open(Channel::Signaling, out.strip_prefix(b"before").unwrap()).unwrap();
    assert_eq!(b"body", body.expose());
}

#[test]
fn numbers_come_once_in_any_order_within_the_window() {
    let mut received = Received::default();
    for number in [1, 3, 2, 70, 7, 69] {
        assert_eq!(Ok(()), received.accept(number));
        let before = received.clone();
        assert_eq!(Err(Error::Duplicate), received.accept(number));
        assert_eq!(before, received);
    }
    // 70 is the highest: 7 is the last in the window of 64.
    assert_eq!(Err(Error::Duplicate), received.accept(70 - REPLAY_WINDOW));
    assert_eq!(Ok(()), received.accept(70 + REPLAY_WINDOW));
    assert_eq!(Err(Error::Duplicate), received.accept(70));
    assert_eq!(Ok(()), received.accept(71));
}

#[test]
fn numbers_that_no_packet_has_are_refused() {
    let mut received = Received::default();

    for number in [0, SEQUENCE_END, SEQUENCE_END + 1, u32::MAX] {
        assert_eq!(Err(Error::Malformed), received.accept(number));
    }
    assert_eq!(Ok(()), received.accept(SEQUENCE_END - 1));
    assert_eq!(Err(Error::Duplicate), received.accept(1));
}
