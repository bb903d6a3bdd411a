// SPDX-License-Identifier: MIT OR Apache-2.0
//! Texts as other programs write them, and what is none (RFC 8259).

use super::*;

fn read(text: &str) -> Result<String, Error> {
    let mut json = Json::new(text.as_bytes());
    let read = json.text()?.as_str()?.to_owned();
    json.finish().map(|()| read)
}

fn skipped(text: &str) -> Result<(), Error> {
    let mut json = Json::new(text.as_bytes());
    json.skip()?;
    json.finish()
}

#[test]
fn every_escape_is_the_character_that_it_stands_for() {
    for (text, expected) in [
        (r#""""#, ""),
        (r#""plain ö""#, "plain ö"),
        (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r#""\u0041\u00e4\u20AC""#, "Aä€"),
        (r#""\ud83d\ude00""#, "\u{1f600}"),
        (r#""\u0000""#, "\0"),
    ] {
        assert_eq!(Ok(expected.to_owned()), read(text), "{text}");
    }
}

#[test]
fn what_is_no_string_is_malformed() {
    for text in [
        "",
        "\"",
        "\"open",
        "\"\n\"",
        r#""\"#,
        r#""\x""#,
        r#""\u004""#,
        r#""\u00g1""#,
        r#""\ud83d""#,
        r#""\ud83dx""#,
        r#""\ud83d\u0041""#,
        r#""\ude00""#,
    ] {
        assert_eq!(Err(Error::Malformed), read(text), "{text}");
    }
}

#[test]
fn what_is_written_is_read_back() {
    for text in ["", "plain", "\"\\/\u{8}\n\u{1f}\u{7f}\0", "ö€\u{1f600}"] {
        let mut out = Vec::new();
        write_string(&mut out, text);

        assert_eq!(Ok(text.to_owned()), read(core::str::from_utf8(&out).unwrap()));
    }
}

#[test]
fn any_value_can_be_passed_over() {
    for text in [
        "0",
        "-0.5e-3",
        "12E+9",
        "true",
        "null",
        r#"["\"", {"\u0041": [1.5]}]"#,
        r#" {"a" : {"b":[ ]} } "#,
    ] {
        assert_eq!(Ok(()), skipped(text), "{text}");
    }
    for text in ["01", "-", "1.", ".5", "1e", "+1", "tru", "[1,]", "{\"a\"}", "{1:2}"] {
        assert_eq!(Err(Error::Malformed), skipped(text), "{text}");
    }
}
