// SPDX-License-Identifier: MIT OR Apache-2.0
//! Has the linker keep one of all that is identical, where it can: functions that were compiled
//! more than once, and tables that two variants of a routine bring along. It makes the library
//! smaller by 3 %, and what is installed from an archive by 5 %.

use std::{env, fs, path::Path, process::Command};

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
    let source = Path::new(&folder).join("probe.rs");
    fs::write(&source, "#[unsafe(no_mangle)] pub extern \"C\" fn probe() {}").ok()?;
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let mut compiler = Command::new(env::var_os("RUSTC")?);
    compiler
        .args(["--edition=2024", "--crate-type=cdylib", "--target"])
        .arg(env::var_os("TARGET")?);
    compiler.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut option = std::ffi::OsString::from("-Clinker=");
        option.push(linker);
        compiler.arg(option);
    }
    compiler.args(FOLD.map(|option| format!("-Clink-arg={option}")));
    compiler.arg("--out-dir").arg(&folder).arg(source);
    Some(compiler.output().ok()?.status.success())
}
