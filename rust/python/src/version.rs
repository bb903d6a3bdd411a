// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is loaded, what it was compiled from and for, and what it found of the processor
//! (docs/architecture.md, "Layers").

use pyo3::{prelude::*, types::PyDict};

/// The package's version, the processor's features that speed the core up, whose X25519 runs, and
/// what the build said: texts, empty where they are not known.
#[pyfunction]
pub fn version_info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let found = PyDict::new(py);
    found.set_item("version", env!("CARGO_PKG_VERSION"))?;
    found.set_item("cpu_features", cpu_features())?;
    found.set_item("x25519", "aws-lc")?;
    found.set_item("commit", env!("E2EE_BUILT_COMMIT"))?;
    found.set_item("target", env!("E2EE_BUILT_TARGET"))?;
    found.set_item("compiler", env!("E2EE_BUILT_COMPILER"))?;
    found.set_item("compiled_for", env!("E2EE_BUILT_CPU_FEATURES"))?;
    Ok(found)
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<&'static str> {
    named([
        ("sha", std::arch::is_x86_feature_detected!("sha")),
        ("aes", std::arch::is_x86_feature_detected!("aes")),
        ("vaes", std::arch::is_x86_feature_detected!("vaes")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
    ])
}

#[cfg(target_arch = "aarch64")]
fn cpu_features() -> Vec<&'static str> {
    named([
        ("sha2", std::arch::is_aarch64_feature_detected!("sha2")),
        ("aes", std::arch::is_aarch64_feature_detected!("aes")),
    ])
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn cpu_features() -> Vec<&'static str> {
    Vec::new()
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn named<const N: usize>(features: [(&'static str, bool); N]) -> Vec<&'static str> {
    features.into_iter().filter_map(|(name, found)| found.then_some(name)).collect()
}
