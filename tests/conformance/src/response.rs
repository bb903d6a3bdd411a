// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads `name = value` response files (NIST CAVS and files in its style).

use std::collections::BTreeMap;

use crate::fields::unhex;

/// One record of a response file; names are in lower case.
#[derive(Clone, Debug, Default)]
pub struct Response(BTreeMap<String, String>);

impl Response {
    /// Splits a file into records: a record ends where a name occurs again, or at a `[section]`.
    ///
    /// # Panics
    ///
    /// If a line is neither empty, a comment, a section nor an assignment.
    #[must_use]
    pub fn all(content: &str) -> Vec<Self> {
        let mut records = Vec::new();
        let mut current = Self::default();
        for line in content.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let assignment = line.split_once('=').filter(|_| !line.starts_with('['));
            let name = assignment.map(|(name, _)| name.trim().to_lowercase());
            let ends = name.as_ref().is_none_or(|name| current.0.contains_key(name));
            if ends && !current.0.is_empty() {
                records.push(std::mem::take(&mut current));
            }
            match (name, assignment) {
                (Some(name), Some((_, value))) => {
                    current.0.insert(name, value.trim().to_owned());
                }
                _ => assert!(line.starts_with('['), "no assignment: {line}"),
            }
        }
        records.extend((!current.0.is_empty()).then_some(current));
        records
    }

    /// Whether the record has the field.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The bytes of a field.
    ///
    /// # Panics
    ///
    /// If the field is absent or not hexadecimal.
    #[must_use]
    pub fn hex(&self, name: &str) -> Vec<u8> {
        unhex(self.field(name))
    }

    /// The bytes of a field of a fixed length.
    ///
    /// # Panics
    ///
    /// If the field is absent, not hexadecimal or of another length.
    #[must_use]
    pub fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.hex(name).try_into().unwrap_or_else(|_| panic!("field {name} has not {N} bytes"))
    }

    /// A decimal field.
    ///
    /// # Panics
    ///
    /// If the field is absent or no decimal number.
    #[must_use]
    pub fn number(&self, name: &str) -> usize {
        self.field(name).parse().unwrap_or_else(|_| panic!("field {name} is no number"))
    }

    fn field(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("field {name} is absent"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_end_at_a_repeated_name_and_at_a_section() {
        let records = Response::all("# c\n[A]\nCOUNT = 0\nK = 0a\n\nCOUNT = 1\nK =\n[B]\nK = FF\n");

        assert_eq!(3, records.len());
        assert_eq!(vec![10], records[0].hex("k"));
        assert_eq!((1, vec![]), (records[1].number("count"), records[1].hex("k")));
        assert_eq!((false, [255]), (records[2].has("count"), records[2].array("k")));
    }
}
