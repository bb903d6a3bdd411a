// SPDX-License-Identifier: MIT OR Apache-2.0
//! The extension module `e2ee._core`: converts, calls the core, converts (docs/architecture.md).
//!
//! Nothing is decided here. What only a binding can know is added: the system's random source, the
//! clock, and which locks are held when Python code is called.

#![forbid(unsafe_code)]

mod account;
mod account_keys;
mod aead;
mod attachment;
mod batches;
mod beside;
mod between;
mod certificates;
mod compat;
mod convert;
mod corresponds;
mod errors;
mod examining;
mod exchange;
mod functions;
mod given;
mod groups;
mod importing;
mod kept;
mod mtproto;
mod nonces;
mod of_protocol;
mod olm;
mod outbox;
mod own;
mod parallel;
mod rekey;
mod saving;
mod sealed;
mod sealed_files;
mod secret;
mod sender_keys;
mod signal;
mod spread;
mod step;
mod transaction;
mod turn;
mod version;
mod waiting;

use pyo3::prelude::*;

/// The core of e2ee; use the package's own names instead.
#[pymodule]
pub mod _core {
    #[pymodule_export]
    use super::{
        account::Account,
        account_keys::{AccountKeys, BackupKeys, hash_pin},
        aead::AeadKey,
        attachment::{
            AttachmentEncryptor, AttachmentOpener, AttachmentSegments, AttachmentVerifier,
            blob_len, read_pointer, write_pointer,
        },
        batches::Batches,
        beside::{HpkeKey, Username, hpke_seal},
        between::{seal_between, unseal_between},
        certificates::{
            ServerSigner, TrustAnchors, TrustRoot, read_sender_certificate, read_sent,
            sealed_envelope,
        },
        compat::telegram::{
            compat_cbc256_decrypt, compat_cbc256_decrypt_in_place, compat_cbc256_encrypt,
            compat_cbc256_encrypt_in_place, compat_ctr256, compat_ctr256_in_place,
            compat_decrypt_ige, compat_encrypt_ige, compat_factorize_pq_pair,
            compat_ige256_decrypt, compat_ige256_decrypt_in_place, compat_ige256_decrypt_many,
            compat_ige256_decrypt_many_in_place, compat_ige256_encrypt,
            compat_ige256_encrypt_in_place, compat_ige256_encrypt_many,
            compat_ige256_encrypt_many_in_place,
        },
        compat::{
            Account as CompatAccount, AnyOlmMessage, Curve25519PublicKey, Curve25519SecretKey,
            DecryptedMessage, Ed25519PublicKey, Ed25519Signature, EstablishedSas,
            ExportedSessionKey, GroupSession, InboundGroupSession, MegolmMessage, PkSigning,
            PreKeyMessage, Sas as CompatSas, SasBytes, Session as CompatSession, SessionKey,
            compat_pk_decrypt, compat_pk_encrypt,
        },
        examining::examine_store,
        exchange::encrypt_at_rest,
        functions::{
            assemble_bundle, check_address, envelope_kind, log_is_damaged, read_bundle,
            safety_number, safety_number_digits, safety_number_matches,
        },
        groups::Groups,
        importing::{examine_records, import_records},
        mtproto::calls::{Call, CallAnswer, CallOffer},
        mtproto::chats::SecretChats,
        mtproto::files::{
            MtprotoFileDecryptor, MtprotoFileEncryptor, mtproto_ciphertext_len,
            mtproto_file_fingerprint,
        },
        mtproto::group::DhGroup,
        mtproto::messages::{mtproto_read_message, mtproto_write_service, mtproto_write_text},
        mtproto::picture::key_picture_cells,
        of_protocol::open_account,
        of_protocol::open_any,
        olm::channel::{LoginChannel, LoginRecipient},
        olm::export::{open_key_export, seal_key_export},
        olm::files::{MatrixFileEncryptor, MatrixFileSegments, MatrixFileVerifier},
        olm::hpke_channel::{
            HpkeLoginChannel, HpkeLoginOpened, HpkeLoginRecipient, HpkeLoginWaiting,
        },
        olm::keys::{BackupKey, SigningKey, seal_for_backup, verify_signature},
        olm::qr::VerificationCode,
        olm::sas::{Sas, SasAcceptor, SasStarter},
        olm::storage::StorageKey,
        olm::{
            OlmAccount, OlmInboundGroupSession, OlmOutboundGroupSession, OlmPickles, OlmRooms,
            OlmSession, OlmStoredAccount,
        },
        outbox::Outbox,
        rekey::Rekeying,
        saving::{BacklogStep, GroupBacklogStep, GroupStep, SessionStep},
        sealed::SealedSender,
        sealed_files::{
            FileContents, FileKey, FileOpener, FilePassphrase, FileSealer, preamble_len,
        },
        secret::StoreSecret,
        sender_keys::{SenderKey, SenderKeys},
        signal::{Device, Session, StateKey},
        spread::{SpreadStep, encrypt_many},
        step::Step,
        turn::Turn,
        version::version_info,
    };

    /// Before any thread of this module can be in a fork's way.
    #[pymodule_init]
    #[expect(clippy::unnecessary_wraps, reason = "the signature is what the interpreter calls")]
    fn init(_module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        e2ee_primitives::forked::prepare();
        Ok(())
    }

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the name that Python gives it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
