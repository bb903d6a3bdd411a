// SPDX-License-Identifier: MIT OR Apache-2.0
//! Says of what and for what the library is built.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=E2EE_COMMIT");
    // Names that `e2ee.build()` shows; whoever releases says the commit (docs/reproduce.md).
    let told = |name| env::var(name).unwrap_or_default();
    println!("cargo::rustc-env=E2EE_BUILT_COMMIT={}", told("E2EE_COMMIT"));
    println!("cargo::rustc-env=E2EE_BUILT_TARGET={}", told("TARGET"));
    println!("cargo::rustc-env=E2EE_BUILT_CPU_FEATURES={}", told("CARGO_CFG_TARGET_FEATURE"));
    println!("cargo::rustc-env=E2EE_BUILT_COMPILER={}", compiler().unwrap_or_default());
}

/// The compiler's version, as `rustc 1.95.0 (59807616e 2026-04-14)`.
fn compiler() -> Option<String> {
    let told = Command::new(env::var_os("RUSTC")?).arg("--version").output().ok()?;
    Some(String::from_utf8(told.stdout).ok()?.trim().to_owned())
}
