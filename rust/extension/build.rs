// SPDX-License-Identifier: MIT OR Apache-2.0
//! Has the linker keep one of all that is identical, where it can: functions that were compiled
//! more than once, and tables that two variants of a routine bring along. It makes the library
//! smaller by 3 %, and what is installed from an archive by 5 %.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::Path,
    process::Command,
};

/// Known to lld, which Rust brings along and uses on its most usual target, and to mold; others
/// refuse it. For Zig, tools/zig.py sees to it.
const FOLD: [&str; 2] = ["-Wl,--icf=all", "-Wl,--ignore-data-address-equality"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if can_fold() == Some(true) {
        for option in FOLD {
            println!("cargo::rustc-cdylib-link-arg={option}");
        }
    }
}

/// Whether a library of one empty function can be linked so.
fn can_fold() -> Option<bool> {
    let folder = env::var_os("OUT_DIR")?;
    let linker = env::var_os("RUSTC_LINKER");
    if compiles(Path::new(&folder), linker.as_deref())? {
        return Some(true);
    }
    // Where the standard library is built too, the compiler has none for its target yet.
    links(Path::new(&folder), &linker?)
}

fn compiles(folder: &Path, linker: Option<&OsStr>) -> Option<bool> {
    let source = folder.join("probe.rs");
    fs::write(&source, "#[unsafe(no_mangle)] pub extern \"C\" fn probe() {}").ok()?;
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let mut compiler = Command::new(env::var_os("RUSTC")?);
    compiler
        .args(["--edition=2024", "--crate-type=cdylib", "--target"])
        .arg(env::var_os("TARGET")?);
    compiler.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    if let Some(linker) = linker {
        let mut option = OsString::from("-Clinker=");
        option.push(linker);
        compiler.arg(option);
    }
    compiler.args(FOLD.map(|option| format!("-Clink-arg={option}")));
    compiler.arg("--out-dir").arg(folder).arg(source);
    Some(compiler.output().ok()?.status.success())
}

/// The same in C, which a linker understands that drives a compiler.
fn links(folder: &Path, linker: &OsStr) -> Option<bool> {
    let source = folder.join("probe.c");
    fs::write(&source, "void probe(void) {}\n").ok()?;
    let mut driver = Command::new(linker);
    driver.args(FOLD).arg("-shared").arg("-o").arg(folder.join("probe")).arg(source);
    Some(driver.output().ok()?.status.success())
}
