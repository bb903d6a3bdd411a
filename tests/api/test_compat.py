# SPDX-License-Identifier: MIT OR Apache-2.0
"""The drop-ins: the names, signatures and exceptions that programs for vodozemac and libolm use."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import TYPE_CHECKING, Any, Self

import pytest

import e2ee
from e2ee.compat import olm, vodozemac

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = bytes(range(32))
#: The names of vodozemac 0.10.0, with those of its methods and properties.
VODOZEMAC = {
    "Account": "create_inbound_session create_outbound_session curve25519_key ed25519_key"
    " fallback_key from_libolm_pickle from_pickle generate_fallback_key generate_one_time_keys"
    " mark_keys_as_published max_number_of_one_time_keys one_time_keys pickle sign",
    "AnyOlmMessage": "from_parts normal pre_key to_parts to_pre_key",
    "Curve25519PublicKey": "from_base64 from_bytes to_base64 to_bytes",
    "Curve25519SecretKey": "from_base64 from_bytes public_key to_base64 to_bytes",
    "Ed25519PublicKey": "from_base64 to_base64 verify_signature",
    "Ed25519Signature": "from_base64 to_base64",
    "EstablishedSas": "bytes calculate_mac calculate_mac_invalid_base64 verify_mac",
    "ExportedSessionKey": "to_base64",
    "GroupSession": "encrypt from_pickle message_index pickle session_id session_key",
    "InboundGroupSession": "decrypt export_at first_known_index from_libolm_pickle from_pickle"
    " import_session pickle session_id",
    "MegolmMessage": "from_base64 from_bytes message_index signature to_base64 to_bytes",
    "Message": "ciphertext ephemeral_key from_base64 mac to_base64",
    "PkDecryption": "decrypt from_key key public_key",
    "PkEncryption": "encrypt from_key",
    "PreKeyMessage": "from_base64 session_id to_any",
    "Sas": "diffie_hellman public_key",
    "Session": "decrypt encrypt from_libolm_pickle from_pickle pickle session_id session_matches",
    "SessionKey": "to_base64",
}
EXCEPTIONS = (
    "KeyException",
    "SignatureException",
    "DecodeException",
    "LibolmPickleException",
    "PickleException",
    "SessionKeyDecodeException",
    "SessionCreationException",
    "SasException",
    "OlmEncryptionException",
    "OlmDecryptionException",
    "MegolmDecryptionException",
    "PkInvalidKeySizeException",
    "PkDecodeException",
)
#: The signatures of python-olm 3.2.16.
OLM = {
    "Account.pickle": "passphrase",
    "Account.from_pickle": "pickle passphrase",
    "Account.sign": "message",
    "Account.mark_keys_as_published": "",
    "Account.generate_one_time_keys": "count",
    "Account.remove_one_time_keys": "session",
    "Account.generate_fallback_key": "",
    "Account.forget_old_fallback_key": "",
    "Session.pickle": "passphrase",
    "Session.from_pickle": "pickle passphrase",
    "Session.encrypt": "plaintext",
    "Session.decrypt": "message unicode_errors",
    "Session.matches": "message identity_key",
    "Session.describe": "buffer_length",
    "InboundSession": "account message identity_key",
    "OutboundSession": "account identity_key one_time_key",
    "InboundGroupSession": "session_key",
    "InboundGroupSession.pickle": "passphrase",
    "InboundGroupSession.from_pickle": "pickle passphrase",
    "InboundGroupSession.decrypt": "ciphertext unicode_errors",
    "InboundGroupSession.export_session": "message_index",
    "InboundGroupSession.import_session": "session_key",
    "OutboundGroupSession.pickle": "passphrase",
    "OutboundGroupSession.from_pickle": "pickle passphrase",
    "OutboundGroupSession.encrypt": "plaintext",
    "PkMessage": "ephemeral_key mac ciphertext",
    "PkEncryption": "recipient_key",
    "PkEncryption.encrypt": "plaintext",
    "PkDecryption.pickle": "passphrase",
    "PkDecryption.from_pickle": "pickle passphrase",
    "PkDecryption.decrypt": "message unicode_errors",
    "PkSigning": "seed",
    "PkSigning.generate_seed": "",
    "PkSigning.sign": "message",
    "Sas": "other_users_pubkey",
    "Sas.set_their_pubkey": "key",
    "Sas.generate_bytes": "extra_info length",
    "Sas.calculate_mac": "message extra_info",
    "Sas.calculate_mac_fixed_base64": "message extra_info",
    "Sas.calculate_mac_long_kdf": "message extra_info",
    "utility.ed25519_verify": "key message signature",
    "ed25519_verify": "key message signature",
    "sha256": "input_string",
}


@pytest.mark.parametrize("name", VODOZEMAC)
def test_a_class_has_the_names_of_vodozemac(name: str) -> None:
    assert set(VODOZEMAC[name].split()) <= set(dir(getattr(vodozemac, name)))


def test_nothing_else_is_exported_as_of_vodozemac() -> None:
    assert sorted([*VODOZEMAC, *EXCEPTIONS]) == sorted(vodozemac.__all__)


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_an_exception_is_caught_as_there_and_as_ours(name: str) -> None:
    kind = getattr(vodozemac, name)

    assert issubclass(kind, ValueError)
    assert issubclass(kind, e2ee.E2EEError)


@pytest.mark.parametrize("name", OLM)
def test_a_call_has_the_signature_of_python_olm(name: str) -> None:
    value: Any = olm
    for part in name.split("."):
        value = getattr(value, part)
    parameters = [each for each in inspect.signature(value).parameters if each != "self"]

    assert OLM[name].split() == parameters


def test_keys_that_could_not_be_uploaded_do_not_hold_up_new_ones() -> None:
    account = olm.Account()

    for _ in range(3):
        account.generate_one_time_keys(50)

    assert len(account.one_time_keys["curve25519"]) == account.max_one_time_keys


def pair() -> tuple[vodozemac.Session, vodozemac.Session]:
    """Both ends of a session that was answered."""
    alice, bob = vodozemac.Account(), vodozemac.Account()
    bob.generate_one_time_keys(1)
    (key,) = bob.one_time_keys.values()
    ours = alice.create_outbound_session(bob.curve25519_key, key)
    first = ours.encrypt(b"first").to_pre_key()
    assert first is not None
    theirs, plaintext = bob.create_inbound_session(alice.curve25519_key, first)
    assert plaintext == b"first"
    ours.decrypt(theirs.encrypt(b"second"))
    return ours, theirs


def test_a_first_message_to_a_fallback_key_is_accepted_again_as_there() -> None:
    alice, bob = vodozemac.Account(), vodozemac.Account()
    bob.generate_fallback_key()
    (key,) = bob.fallback_key.values()
    first = alice.create_outbound_session(bob.curve25519_key, key).encrypt(b"first").to_pre_key()
    assert first is not None
    carol, dave = olm.Account(), olm.Account()
    dave.generate_fallback_key()
    (text,) = dave.fallback_key["curve25519"].values()
    sent = olm.OutboundSession(carol, dave.identity_keys["curve25519"], text).encrypt("first")
    assert isinstance(sent, olm.OlmPreKeyMessage)

    for _ in range(2):
        assert bob.create_inbound_session(alice.curve25519_key, first)[1] == b"first"
        session = olm.InboundSession(dave, sent)
        assert session.decrypt(sent) == "first"
        dave.remove_one_time_keys(session)


def test_sessions_go_on_from_the_pickles_of_either_library() -> None:
    ours, theirs = pair()
    for _ in range(5):
        ours = vodozemac.Session.from_pickle(ours.pickle(KEY), KEY)
        theirs = vodozemac.Session.from_libolm_pickle(theirs.to_libolm_pickle(b"key"), b"key")
        assert theirs.decrypt(ours.encrypt(b"there")) == b"there"
        assert ours.decrypt(theirs.encrypt(b"back")) == b"back"


def test_a_pickle_under_another_key_is_refused() -> None:
    ours, _ = pair()

    with pytest.raises(vodozemac.PickleException) as raised:
        vodozemac.Session.from_pickle(ours.pickle(KEY), bytes(32))
    assert isinstance(raised.value.__cause__, e2ee.AuthenticationError)
    with pytest.raises(vodozemac.PickleException, match="32 bytes"):
        ours.pickle(b"short")
    with pytest.raises(vodozemac.LibolmPickleException):
        vodozemac.Session.from_libolm_pickle(ours.to_libolm_pickle(b"key"), b"another")


def test_the_cause_of_an_exception_says_what_happened() -> None:
    ours, theirs = pair()
    message = ours.encrypt(b"text")
    theirs.decrypt(message)

    with pytest.raises(vodozemac.OlmDecryptionException) as raised:
        theirs.decrypt(message)

    assert isinstance(raised.value.__cause__, e2ee.DecryptionError)


@pytest.mark.parametrize(
    "made", [vodozemac.Account, vodozemac.GroupSession, vodozemac.Curve25519SecretKey]
)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_what_holds_secrets_is_not_copied(
    made: Callable[[], object], copied: Callable[[object], object]
) -> None:
    with pytest.raises(TypeError):
        copied(made())


def people() -> tuple[olm.Account, olm.Account, str]:
    """Two accounts, and a one-time key of the second."""
    alice, bob = olm.Account(), olm.Account()
    bob.generate_one_time_keys(1)
    (key,) = bob.one_time_keys["curve25519"].values()
    return alice, bob, key


def refused(work: Callable[[], object], kind: type[Exception]) -> str:
    """The words of a refusal of this class."""
    with pytest.raises(kind) as raised:
        work()
    assert isinstance(raised.value, e2ee.E2EEError)
    return str(raised.value)


def test_refusals_of_sessions_have_the_words_of_libolm() -> None:
    alice, bob, key = people()
    ours = olm.OutboundSession(alice, bob.identity_keys["curve25519"], key)
    first = olm.OlmPreKeyMessage(ours.encrypt("text").ciphertext)
    curve = alice.identity_keys["curve25519"]

    def session_error(work: Callable[[], object]) -> str:
        return refused(work, olm.OlmSessionError)

    other = bob.identity_keys["curve25519"]
    assert session_error(lambda: olm.InboundSession(alice, first)) == "BAD_MESSAGE_KEY_ID"
    assert session_error(lambda: olm.InboundSession(bob, first, other)) == "BAD_MESSAGE_KEY_ID"
    assert session_error(lambda: olm.OutboundSession(alice, "!!", key)) == "INVALID_BASE64"
    assert session_error(lambda: ours.decrypt(olm.OlmMessage("AAAA"))) == "BAD_MESSAGE_VERSION"
    assert session_error(lambda: ours.decrypt(olm.OlmMessage("AwoA"))) == "BAD_MESSAGE_FORMAT"
    theirs = olm.InboundSession(bob, first, curve)
    bob.remove_one_time_keys(theirs)
    assert theirs.decrypt(first) == "text"
    assert session_error(lambda: theirs.decrypt(first)) == "BAD_MESSAGE_MAC"
    again = refused(lambda: bob.remove_one_time_keys(theirs), olm.OlmAccountError)
    assert again == "BAD_MESSAGE_KEY_ID"
    kept = theirs.pickle("key")
    assert session_error(lambda: olm.Session.from_pickle(kept, "other")) == "BAD_ACCOUNT_KEY"


def test_refusals_of_rooms_have_the_words_of_libolm() -> None:
    own = olm.OutboundGroupSession()
    first = own.encrypt("first")
    reader = olm.InboundGroupSession(own.session_key)
    second = own.encrypt("second")

    def group_error(work: Callable[[], object]) -> str:
        return refused(work, olm.OlmGroupSessionError)

    assert reader.decrypt(second) == ("second", 1)
    assert group_error(lambda: reader.decrypt(first)) == "UNKNOWN_MESSAGE_INDEX"
    assert group_error(lambda: reader.export_session(0)) == "UNKNOWN_MESSAGE_INDEX"
    swapped = second[:-1] + ("A" if second[-1] != "A" else "Q")
    assert group_error(lambda: reader.decrypt(swapped)) == "BAD_SIGNATURE"
    assert group_error(lambda: olm.InboundGroupSession("AAAA")) == "BAD_SESSION_KEY"
    spoilt = own.session_key[:-1] + ("A" if own.session_key[-1] != "A" else "Q")
    assert group_error(lambda: olm.InboundGroupSession(spoilt)) == "BAD_SIGNATURE"


def test_a_subclass_that_makes_its_own_arguments_works() -> None:
    class Kept(olm.OutboundGroupSession):
        def __new__(cls, *_: object) -> Self:
            return super().__new__(cls)

        def __init__(self, room: str) -> None:
            self.room = room
            super().__init__()

    made = Kept("!room:example.org")

    assert olm.InboundGroupSession(made.session_key).decrypt(made.encrypt("x")) == ("x", 0)
    assert Kept.from_pickle(made.pickle("k"), "k").message_index == 1


def test_both_sides_of_a_verification_see_the_same() -> None:
    one, other = olm.Sas(), vodozemac.Sas()
    one.set_their_pubkey(other.public_key.to_base64())
    agreed = other.diffie_hellman(vodozemac.Curve25519PublicKey.from_base64(one.pubkey))

    assert len(agreed.bytes("info").emoji_indices) == 7
    assert agreed.raw_bytes("info", 6) == one.generate_bytes("info", 6)
    assert one.calculate_mac_fixed_base64("key", "info") == agreed.calculate_mac("key", "info")
    assert len(one.calculate_mac_long_kdf("key", "info")) == 43
    agreed.verify_mac("key", "info", one.calculate_mac_fixed_base64("key", "info"))
    with pytest.raises(vodozemac.SasException):
        agreed.verify_mac("key", "other", one.calculate_mac_fixed_base64("key", "info"))
    with pytest.raises(vodozemac.SasException):
        other.diffie_hellman(other.public_key)
    assert refused(lambda: olm.Sas().generate_bytes("", 6), olm.OlmSasError)


def test_what_is_encrypted_to_a_public_key_opens() -> None:
    one, other = vodozemac.PkDecryption(), olm.PkDecryption()
    message = vodozemac.PkEncryption.from_key(one.public_key).encrypt(b"text")
    assert one.decrypt(vodozemac.Message.from_base64(*reversed(message.to_base64()))) == b"text"
    sealed = olm.PkEncryption(other.public_key).encrypt("text")
    again = olm.PkDecryption.from_pickle(other.pickle("key"), "key")

    assert again.decrypt(sealed) == "text"
    assert refused(lambda: olm.PkDecryption().decrypt(sealed), olm.PkDecryptionError)
    with pytest.raises(vodozemac.PkDecodeException):
        vodozemac.PkDecryption().decrypt(message)


ACCOUNT, SIGNING = olm.Account(), olm.PkSigning(olm.PkSigning.generate_seed())


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        (ACCOUNT.identity_keys["ed25519"], ACCOUNT.sign("text")),
        (SIGNING.public_key, SIGNING.sign("text")),
    ],
    ids=["account", "seed"],
)
def test_a_signature_is_verified(key: str, signature: str) -> None:
    olm.ed25519_verify(key, "text", signature)

    words = refused(lambda: olm.ed25519_verify(key, "another", signature), olm.OlmVerifyError)

    assert words == "BAD_MESSAGE_MAC"
