// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sent form, as a server reads it (signal.md §10.4).

use super::*;

/// A sent message: count, then entries of a service id's last byte, devices and a filler for C, AT.
fn sent(count: u8, entries: &[(u8, &[u8], u8)]) -> Vec<u8> {
    let mut out = vec![0x23, count];
    for (name, devices, head) in entries {
        out.extend_from_slice(&[0; 16]);
        out.push(*name);
        out.extend_from_slice(devices);
        if devices != b"\0" {
            out.extend_from_slice(&[*head; 48]);
        }
    }
    out.extend_from_slice(&[7; 32]);
    out
}

const ONE: &[u8] = &[1, 0x00, 0x05];
const TWO: &[u8] = &[2, 0x80, 0x06, 3, 0x3f, 0xff];

#[test]
fn an_account_that_stands_twice_has_the_devices_of_both() {
    let sent = sent(4, &[(1, ONE, 9), (2, ONE, 8), (1, TWO, 9), (3, b"\0", 0)]);

    let message = SentMessage::decode(&sent).unwrap();

    let devices: Vec<_> =
        message.recipients()[0].devices.iter().map(|(d, r)| (d.get(), *r)).collect();
    assert_eq!(vec![(1, 5), (2, 6), (3, 0x3fff)], devices);
    assert_eq!((2, 1), (message.recipients().len(), message.excluded().len()));
    let received = message.recipients()[1].received(message.tail());
    assert_eq!([&[0x22][..], &[8; 48], &[7; 32]].concat(), received);
}

#[test]
fn the_second_highest_bit_of_a_registration_id_is_ignored() {
    let sent = sent(1, &[(1, &[1, 0x40, 5], 9)]);

    assert_eq!(5, SentMessage::decode(&sent).unwrap().recipients()[0].devices[0].1);
}

#[test]
fn the_older_sent_form_has_uuids_without_kinds() {
    let entry = [&[0x22, 1][..], &[0xab; 16], ONE, &[9; 48], &[7; 32]].concat();

    let message = SentMessage::decode(&entry).unwrap();

    let id = ServiceId::new(ServiceIdKind::Account, [0xab; 16]);
    assert_eq!(id, message.recipients()[0].service_id);
}

#[test]
fn every_wrong_sent_form_is_malformed() {
    let malformed = |sent: &[u8]| SentMessage::decode(sent).map(|_| ()) == Err(Error::Malformed);
    let whole = sent(2, &[(1, TWO, 9), (2, b"\0", 0)]);

    assert!(SentMessage::decode(&whole).is_ok());
    for length in 0..whole.len() {
        assert!(malformed(&whole[..length]), "{length}");
    }
    assert!(malformed(&sent(3, &[(1, ONE, 9), (2, ONE, 9)])), "the count");
    assert!(malformed(&sent(1, &[(1, &[1, 0x80, 5, 0], 9)])), "a zero device after a real one");
    assert!(malformed(&sent(1, &[(1, &[128, 0, 5], 9)])), "a device above 127");
    assert!(malformed(&sent(2, &[(1, ONE, 9), (1, b"\0", 0)])), "excluded after all");
    assert!(malformed(&sent(2, &[(1, b"\0", 0), (1, ONE, 9)])), "not excluded after all");
    assert!(malformed(&sent(2, &[(1, b"\0", 0), (1, b"\0", 0)])), "excluded twice");
    assert!(malformed(&sent(2, &[(1, ONE, 9), (1, TWO, 8)])), "two seeds for one account");
    let mut kind = whole.clone();
    kind[2] = 2;
    assert!(malformed(&kind), "a service id of no kind");
    let huge = [&[0x23][..], &[0xff; 9], &[1], &[0; 200]].concat();
    assert!(malformed(&huge), "a count beyond the message");
    assert!(malformed(&[0x24, 0]));
    assert_eq!(Err(Error::UnsupportedVersion), SentMessage::decode(&[0x33, 0]).map(|_| ()));
}

#[test]
fn a_message_to_nobody_is_read_as_the_reference_client_reads_it() {
    let sent = sent(0, &[]);

    assert!(SentMessage::decode(&sent).unwrap().recipients().is_empty());
}
