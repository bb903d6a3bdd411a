// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who talks to whom: service ids, device ids, addresses and the address block of first messages
//! (signal.md §2.4 and §4.2).

use e2ee_wire::Error;

/// The most bytes of a name.
pub const MAX_NAME_LEN: usize = 255;

/// Bytes of the address block: two fixed-width service ids, each with its device.
pub const ADDRESS_BLOCK_LEN: usize = 36;

/// A device of an account: 1 to 127.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(u8);

impl DeviceId {
    /// The device that a name alone means.
    pub const FIRST: Self = Self(1);

    /// [`Error::InvalidArgument`] unless `device` is 1 to 127.
    pub fn new(device: u32) -> Result<Self, Error> {
        match u8::try_from(device) {
            Ok(device @ 1..=127) => Ok(Self(device)),
            _ => Err(Error::InvalidArgument),
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// What a service id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceIdKind {
    /// An account (ACI).
    Account,
    /// A phone number (PNI).
    PhoneNumber,
}

/// A UUID with its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceId {
    kind: ServiceIdKind,
    uuid: [u8; 16],
}

impl ServiceId {
    /// The id of `kind` with these UUID bytes.
    #[must_use]
    pub const fn new(kind: ServiceIdKind, uuid: [u8; 16]) -> Self {
        Self { kind, uuid }
    }

    /// Parses the text form: a hyphenated UUID of 36 characters in either case, behind `PNI:` for
    /// a phone number. `None` if `text` is anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, digits) = match text.strip_prefix("PNI:") {
            Some(rest) => (ServiceIdKind::PhoneNumber, rest),
            None => (ServiceIdKind::Account, text),
        };
        parse_uuid(digits.as_bytes()).map(|uuid| Self { kind, uuid })
    }

    /// The fixed-width binary form, 17 bytes: the kind (0 account, 1 phone number) and the UUID.
    #[must_use]
    pub fn fixed_width(&self) -> [u8; 17] {
        let mut out = [0; 17];
        if let Some((first, rest)) = out.split_first_mut() {
            *first = match self.kind {
                ServiceIdKind::Account => 0,
                ServiceIdKind::PhoneNumber => 1,
            };
            rest.copy_from_slice(&self.uuid);
        }
        out
    }

    /// Reads [`ServiceId::fixed_width`]; `None` if the kind is neither 0 nor 1.
    #[must_use]
    pub fn from_fixed_width(bytes: &[u8; 17]) -> Option<Self> {
        let (kind, uuid) = bytes.split_first()?;
        let kind = match kind {
            0 => ServiceIdKind::Account,
            1 => ServiceIdKind::PhoneNumber,
            _ => return None,
        };
        Some(Self { kind, uuid: *uuid.first_chunk()? })
    }

    /// What the id names.
    #[must_use]
    pub const fn kind(&self) -> ServiceIdKind {
        self.kind
    }

    /// The 16 bytes of the UUID.
    #[must_use]
    pub const fn uuid(&self) -> &[u8; 16] {
        &self.uuid
    }

    /// The variable-width binary form: 16 bytes for an account, 17 for a phone number.
    #[must_use]
    pub fn binary(&self) -> Vec<u8> {
        match self.kind {
            ServiceIdKind::Account => self.uuid.to_vec(),
            ServiceIdKind::PhoneNumber => self.fixed_width().to_vec(),
        }
    }
}

impl core::fmt::Display for ServiceId {
    /// The text form: a hyphenated UUID in lower case, behind `PNI:` for a phone number.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.kind == ServiceIdKind::PhoneNumber {
            formatter.write_str("PNI:")?;
        }
        for (position, byte) in self.uuid.iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                formatter.write_str("-")?;
            }
            write!(formatter, "{byte:02x}")?;
        }
        Ok(())
    }
}

fn parse_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.try_into().ok()?;
    let mut uuid = [0; 16];
    let mut digits = text.iter().enumerate().filter(|(position, _)| !HYPHENS.contains(position));
    if HYPHENS.iter().any(|&position| text.get(position) != Some(&b'-')) {
        return None;
    }
    for byte in &mut uuid {
        let (_, &high) = digits.next()?;
        let (_, &low) = digits.next()?;
        *byte = hex_digit(high)? << 4 | hex_digit(low)?;
    }
    Some(uuid)
}

const HYPHENS: [usize; 4] = [8, 13, 18, 23];

fn hex_digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A device of a named account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    name: String,
    device: DeviceId,
}

impl Address {
    /// [`Error::InvalidArgument`] if `name` is empty or longer than [`MAX_NAME_LEN`] bytes.
    pub fn new(name: &str, device: DeviceId) -> Result<Self, Error> {
        if name.is_empty() || name.len() > MAX_NAME_LEN {
            return Err(Error::InvalidArgument);
        }
        Ok(Self { name: name.to_owned(), device })
    }

    /// The name, which need not be a service id.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The device.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// The service id, if the name is one.
    #[must_use]
    pub fn service_id(&self) -> Option<ServiceId> {
        ServiceId::parse(&self.name)
    }
}

/// Sender and recipient as a first message carries them, or `None` if one name is no service id.
#[must_use]
pub fn address_block(sender: &Address, recipient: &Address) -> Option<[u8; ADDRESS_BLOCK_LEN]> {
    let mut block = [0; ADDRESS_BLOCK_LEN];
    let sender_id = sender.service_id()?.fixed_width();
    let recipient_id = recipient.service_id()?.fixed_width();
    let sender_device = [sender.device.get()];
    let recipient_device = [recipient.device.get()];
    let parts = [&sender_id[..], &sender_device, &recipient_id, &recipient_device];
    for (to, from) in block.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    Some(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "9d0652a3-dcc3-4d11-975f-74d61598733f";

    #[test]
    fn device_ids_run_from_1_to_127() {
        assert!(DeviceId::new(0).is_err());
        assert!(DeviceId::new(1).is_ok());
        assert!(DeviceId::new(127).is_ok());
        assert!(DeviceId::new(128).is_err());
        assert!(DeviceId::new(257).is_err());
    }

    #[test]
    fn the_case_of_the_uuid_does_not_matter_but_that_of_the_prefix_does() {
        assert_eq!(ServiceId::parse(UUID), ServiceId::parse(&UUID.to_uppercase()));
        assert!(ServiceId::parse(&format!("PNI:{UUID}")).is_some());
        assert!(ServiceId::parse(&format!("pni:{UUID}")).is_none());
    }

    #[test]
    fn text_and_fixed_width_forms_are_read_back() {
        for text in [UUID.to_owned(), format!("PNI:{UUID}")] {
            let id = ServiceId::parse(&text).unwrap();

            assert_eq!(text, id.to_string());
            assert_eq!(Some(id), ServiceId::from_fixed_width(&id.fixed_width()));
        }
        assert_eq!(None, ServiceId::from_fixed_width(&[2; 17]));
    }

    #[test]
    fn what_is_not_a_hyphenated_uuid_is_no_service_id() {
        for text in ["", "alice", &UUID.replace('-', ""), &UUID[..35], &UUID.replace("-9", "+9")] {
            assert_eq!(None, ServiceId::parse(text));
        }
    }

    #[test]
    fn the_address_block_needs_two_service_ids() {
        let device = DeviceId::new(3).unwrap();
        let known = Address::new(UUID, device).unwrap();
        let plain = Address::new("alice", device).unwrap();

        assert_eq!(None, address_block(&known, &plain));
        let block = address_block(&known, &known).unwrap();
        assert_eq!(3, block[17]);
        assert_eq!(3, block[35]);
        assert_eq!(block[..18], block[18..]);
    }
}
