// SPDX-License-Identifier: MIT OR Apache-2.0
//! Argon2id, version 1.3 (RFC 9106): a key from a passphrase.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroize;

use crate::secret::Secret;
use e2ee_wire::Error;

/// What one guess costs; stored beside the salt, since the key depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Memory in KiB, at least 8 for each lane.
    pub memory_kib: u32,
    /// Passes over the memory, at least 1.
    pub passes: u32,
    /// Lanes, at least 1; they are computed one after the other.
    pub lanes: u32,
}

impl Cost {
    /// For what is new: 64 MiB, three passes, four lanes (RFC 9106 §4, second choice).
    pub const DEFAULT: Self = Self { memory_kib: 64 * 1_024, passes: 3, lanes: 4 };

    /// Whether a stored cost is none that its writer could stop us with: at most 1 GiB, 64 passes
    /// and 16 lanes.
    ///
    /// A cost stands unauthenticated beside its salt, and whoever can write it must not choose our
    /// memory.
    #[must_use]
    pub const fn is_bearable(&self) -> bool {
        self.memory_kib <= 1 << 20 && self.passes <= 64 && self.lanes <= 16
    }

    /// Memory, passes and lanes, four bytes each (docs/formats.md, "Store record").
    #[must_use]
    pub fn encode(&self) -> [u8; COST_LEN] {
        let mut out = [0; COST_LEN];
        let fields = [self.memory_kib, self.passes, self.lanes].map(u32::to_be_bytes);
        out.as_chunks_mut().0.copy_from_slice(&fields);
        out
    }

    /// The cost in these bytes, or nothing if it is not bearable.
    #[must_use]
    pub fn decode(bytes: &[u8; COST_LEN]) -> Option<Self> {
        let [memory_kib, passes, lanes] = bytes.as_chunks().0 else { return None };
        let cost = Self {
            memory_kib: u32::from_be_bytes(*memory_kib),
            passes: u32::from_be_bytes(*passes),
            lanes: u32::from_be_bytes(*lanes),
        };
        cost.is_bearable().then_some(cost)
    }
}

/// Bytes of an encoded cost.
pub const COST_LEN: usize = 12;

/// Derives `N` bytes; a cost or a length that RFC 9106 §3.1 forbids or that does not fit in memory
/// is `InvalidKey`.
pub fn derive<const N: usize>(
    passphrase: &[u8],
    salt: &[u8],
    cost: Cost,
) -> Result<Secret<N>, Error> {
    if cost.lanes > Params::MAX_P_COST {
        return Err(Error::InvalidKey);
    }
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(N))
        .map_err(|_| Error::InvalidKey)?;
    let mut memory = Vec::new();
    memory.try_reserve_exact(params.block_count()).map_err(|_| Error::InvalidKey)?;
    memory.resize(params.block_count(), Block::new());

    let mut key = Secret::zero();
    let verdict = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(passphrase, salt, key.expose_mut(), &mut memory);
    memory.zeroize();
    verdict.map(|()| key).map_err(|_| Error::InvalidKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 32, passes: 1, lanes: 4 };

    fn verdict(cost: Cost) -> Result<(), Error> {
        derive::<32>(b"passphrase", &[1; 16], cost).map(|_| ())
    }

    #[test]
    fn the_limits_of_the_cost_are_kept() {
        assert_eq!(Ok(()), verdict(CHEAP));
        assert_eq!(Err(Error::InvalidKey), verdict(Cost { memory_kib: 31, ..CHEAP }));
        assert_eq!(Err(Error::InvalidKey), verdict(Cost { passes: 0, ..CHEAP }));
        assert_eq!(Err(Error::InvalidKey), verdict(Cost { lanes: 0, ..CHEAP }));
        assert_eq!(Err(Error::InvalidKey), verdict(Cost { lanes: u32::MAX, ..CHEAP }));
    }

    #[test]
    fn a_cost_reads_back_unless_it_is_unbearable() {
        let most = Cost { memory_kib: 1 << 20, passes: 64, lanes: 16 };

        assert_eq!(Some(Cost::DEFAULT), Cost::decode(&Cost::DEFAULT.encode()));
        assert_eq!(Some(most), Cost::decode(&most.encode()));
        for over in [
            Cost { memory_kib: most.memory_kib + 1, ..most },
            Cost { passes: most.passes + 1, ..most },
            Cost { lanes: most.lanes + 1, ..most },
        ] {
            assert_eq!(None, Cost::decode(&over.encode()));
        }
    }

    #[test]
    fn passphrase_salt_and_cost_all_matter() {
        let key = derive::<32>(b"passphrase", &[1; 16], CHEAP).unwrap();

        for other in [
            derive(b"Passphrase", &[1; 16], CHEAP),
            derive(b"passphrase", &[2; 16], CHEAP),
            derive(b"passphrase", &[1; 16], Cost { passes: 2, ..CHEAP }),
        ] {
            assert!(!key.ct_eq(&other.unwrap()));
        }
        assert!(key.ct_eq(&derive(b"passphrase", &[1; 16], CHEAP).unwrap()));
    }
}
