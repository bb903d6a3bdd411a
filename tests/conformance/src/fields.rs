// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads the fields of a case; a missing or malformed field fails the test at once.

use serde_json::Value;

/// The bytes of a hexadecimal text of either case.
///
/// # Panics
///
/// If the text is not hexadecimal.
#[must_use]
pub fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes();
    assert!(digits.len().is_multiple_of(2), "odd number of digits");
    digits
        .chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).expect("not text");
            u8::from_str_radix(pair, 16).expect("not hexadecimal")
        })
        .collect()
}

/// The bytes of a hexadecimal field.
///
/// # Panics
///
/// If the field is absent or not hexadecimal.
#[must_use]
pub fn hex(case: &Value, field: &str) -> Vec<u8> {
    unhex(text(case, field))
}

/// The bytes of a hexadecimal field of a fixed length.
///
/// # Panics
///
/// If the field is absent, not hexadecimal or of another length.
#[must_use]
pub fn array<const N: usize>(case: &Value, field: &str) -> [u8; N] {
    let bytes = hex(case, field);
    bytes.try_into().unwrap_or_else(|bytes: Vec<u8>| {
        panic!("field {field} has {} bytes instead of {N}", bytes.len())
    })
}

/// A text field.
///
/// # Panics
///
/// If the field is absent or no text.
#[must_use]
pub fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap_or_else(|| panic!("field {field} is absent or no text"))
}

/// An unsigned number field.
///
/// # Panics
///
/// If the field is absent or no unsigned number.
#[must_use]
pub fn number(case: &Value, field: &str) -> u64 {
    case[field].as_u64().unwrap_or_else(|| panic!("field {field} is absent or no number"))
}
