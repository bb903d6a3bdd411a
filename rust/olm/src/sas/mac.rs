// SPDX-License-Identifier: MIT OR Apache-2.0
//! The MACs under which each side tells its keys once people have compared (olm_megolm.md §4).

use e2ee_primitives::{Secret, base64, hkdf, hmac::HmacKey};
use e2ee_wire::Error;

use super::Established;

/// How a MAC is written (`message_authentication_code`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacMethod {
    /// `hkdf-hmac-sha256.v2`.
    HkdfHmacSha256V2,
    /// `hkdf-hmac-sha256`, of old peers: the same MAC, spoilt while it is written.
    ///
    /// libolm encodes it in place, so that most of the text comes from characters written before:
    /// of the tag's 256 bits 48 are left. Only for peers that know nothing newer; one try for each
    /// comparison is all that a forger has.
    HkdfHmacSha256,
}

/// A key that a side vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedKey<'a> {
    /// Its id, such as `ed25519:JLAFKJWSCS`.
    pub id: &'a str,
    /// Its text, unpadded base64.
    pub text: &'a str,
}

/// What `m.key.verification.mac` carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMacs {
    /// Key ids, and the MAC of each key.
    pub keys: Vec<(String, String)>,
    /// The MAC of the list of ids.
    pub ids: String,
}

/// The id under which the list of ids is vouched for.
const KEY_IDS: &str = "KEY_IDS";
const BROKEN_LEN: usize = 43;

impl Established {
    /// The MAC of one text that we send.
    #[must_use]
    pub fn mac(&self, method: MacMethod, key_id: &str, input: &str) -> String {
        let tag = self.key(Sender::Us, key_id).tag(&[input.as_bytes()]);
        written(method, &tag)
    }

    /// Checks the MAC of one text that they sent, in constant time; [`Error::Forged`] if it is not.
    pub fn verify_mac(
        &self,
        method: MacMethod,
        key_id: &str,
        input: &str,
        mac: &str,
    ) -> Result<(), Error> {
        same(method, &self.key(Sender::Them, key_id), input, mac)
    }

    /// Vouches for our keys: our device key, and our master key if we trust it.
    #[must_use]
    pub fn mac_keys(&self, method: MacMethod, keys: &[NamedKey<'_>]) -> KeyMacs {
        let macs = keys.iter().map(|key| (key.id.to_owned(), self.mac(method, key.id, key.text)));
        let ids = keys.iter().map(|key| key.id).collect();
        KeyMacs { keys: macs.collect(), ids: self.mac(method, KEY_IDS, &joined(ids)) }
    }

    /// The ids of those of `known` keys that the other side vouches for.
    ///
    /// `known` are the keys of the other side as the server gave them. An id that is not known here
    /// is passed over. A device whose id is the text of a cross-signing key must not be known under
    /// that id, or the one would be taken for the other.
    ///
    /// [`Error::Forged`] if any MAC of a known key or that of the list is wrong, if an id stands
    /// twice, or if no key is known: nothing is verified then.
    pub fn verify_keys<'a>(
        &self,
        method: MacMethod,
        macs: &KeyMacs,
        known: &[NamedKey<'a>],
    ) -> Result<Vec<&'a str>, Error> {
        let ids: Vec<&str> = macs.keys.iter().map(|(id, _)| id.as_str()).collect();
        self.verify_mac(method, KEY_IDS, &joined(ids), &macs.ids)?;
        let mut verified = Vec::new();
        for (id, mac) in &macs.keys {
            if let Some(key) = known.iter().find(|key| key.id == id) {
                self.verify_mac(method, id, key.text, mac)?;
                if verified.contains(&key.id) {
                    return Err(Error::Forged);
                }
                verified.push(key.id);
            }
        }
        if verified.is_empty() { Err(Error::Forged) } else { Ok(verified) }
    }

    fn key(&self, sender: Sender, key_id: &str) -> HmacKey {
        let between = &self.between;
        let ours = [between.our_user.as_bytes(), between.our_device.as_bytes()];
        let theirs = [between.their_user.as_bytes(), between.their_device.as_bytes()];
        let ([user, device], [other_user, other_device]) = match sender {
            Sender::Us => (ours, theirs),
            Sender::Them => (theirs, ours),
        };
        let info = [
            &b"MATRIX_KEY_VERIFICATION_MAC"[..],
            user,
            device,
            other_user,
            other_device,
            between.transaction.as_bytes(),
            key_id.as_bytes(),
        ];
        let key: Secret<32> = hkdf::derive(&[], &[self.shared.expose()], &info);
        HmacKey::new(key.expose())
    }
}

#[derive(Clone, Copy)]
enum Sender {
    Us,
    Them,
}

/// The ids as they are vouched for: sorted, with commas between them.
fn joined(mut ids: Vec<&str>) -> String {
    ids.sort_unstable();
    ids.join(",")
}

pub(super) fn written(method: MacMethod, tag: &[u8; 32]) -> String {
    match method {
        MacMethod::HkdfHmacSha256V2 => base64::encode(tag),
        MacMethod::HkdfHmacSha256 => overlapped(tag).iter().copied().map(char::from).collect(),
    }
}

/// Compares the MAC of a text in constant time.
pub(super) fn same(method: MacMethod, key: &HmacKey, input: &str, mac: &str) -> Result<(), Error> {
    let equal = match method {
        MacMethod::HkdfHmacSha256V2 => base64::decode(mac)
            .is_ok_and(|tag| tag.len() == 32 && key.verify(&[input.as_bytes()], tag.expose())),
        MacMethod::HkdfHmacSha256 => {
            let expected = overlapped(&key.tag(&[input.as_bytes()]));
            let given: Option<Secret<BROKEN_LEN>> = Secret::from_slice(mac.as_bytes());
            given.is_some_and(|given| given.ct_eq(&Secret::new(expected)))
        }
    };
    if equal { Ok(()) } else { Err(Error::Forged) }
}

/// What libolm's encoder makes of 32 bytes that lie at the beginning of its own output: four
/// characters are written for each three bytes read, over bytes that are read later.
fn overlapped(tag: &[u8; 32]) -> [u8; BROKEN_LEN] {
    let mut buffer = [0; BROKEN_LEN];
    replace(&mut buffer, 0, tag);
    for group in 0..11 {
        let start = 3 * group;
        let read: Vec<u8> =
            buffer.iter().skip(start).take(3_usize.min(32 - start)).copied().collect();
        replace(&mut buffer, 4 * group, base64::encode(&read).as_bytes());
    }
    buffer
}

fn replace(buffer: &mut [u8; BROKEN_LEN], place: usize, bytes: &[u8]) {
    for (to, from) in buffer.iter_mut().skip(place).zip(bytes) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_overlapped_text_48_bits_of_the_tag_are_left() {
        let seen = |bit: usize| {
            let mut tag = [0; 32];
            tag[bit / 8] ^= 1 << (bit % 8);
            overlapped(&tag) != overlapped(&[0; 32])
        };

        let bytes: Vec<usize> = (0..256).filter(|bit| seen(*bit)).map(|bit| bit / 8).collect();

        assert_eq!([0, 1, 2, 4, 5, 8].map(|byte| [byte; 8]).concat(), bytes);
    }

    #[test]
    fn ids_are_sorted_and_joined() {
        assert_eq!("a,b,c", joined(vec!["c", "a", "b"]));
        assert_eq!("", joined(vec![]));
    }
}
