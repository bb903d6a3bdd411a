# SPDX-License-Identifier: MIT OR Apache-2.0
"""What others hold opens nothing (P1 in docs/threats.md), and opens once a key is planted.

The material is all that a server, a directory and a thief of files can hold; the means is every
public function that takes bytes.
"""

import uuid
from pathlib import Path

import pytest

from e2ee import signal
from tests.operator.attempts import ATTEMPTS, Operator
from tests.operator.plunder import plunder
from tests.operator.seized import PEOPLE, Seized, seize
from tests.operator.surface import calls
from tests.stores.server import available

#: What the right key of a store, and that of a sealed state, must open in the control.
OPENED_BY_STORE_KEY = {
    "MemoryStore",
    "SQLiteStore",
    "SQLiteStore.on",
    "StoreSecret.from_key",
    "restore",
}
OPENED_IF_THERE_IS_A_SERVER = {"PostgresStore", "PostgresStore.on"}
OPENED_BY_STATE_KEY = {
    "AccountKeys.load",
    "BackupKey.load",
    "Device.load",
    "HpkeKey.load",
    "SenderKey.load",
    "SenderKeys.load",
    "Session.load",
    "StorageKey.load",
}
OPENED_BY_MEGOLM_KEY = {"OlmInboundGroupSession.load", "OlmOutboundGroupSession.load"}
OPENED_BY_PICKLE_KEY = {"OlmPickles.libolm", "OlmPickles.vodozemac"}
OPENED_BY_OLM_KEY = {"OlmAccount.load", "OlmSession.load"}
OPENED_BY_ATTACHMENT_KEY = {"AttachmentPointer", "decrypt_attachment", "open_attachment"}
OPENED_BY_FILE_KEY = {"FileKey.from_bytes", "open_sealed"}


@pytest.fixture(scope="module")
def seized(tmp_path_factory: pytest.TempPathFactory) -> Seized:
    return seize(tmp_path_factory.mktemp("seized"))


@pytest.mark.slow
def test_all_that_others_hold_opens_nothing(seized: Seized, tmp_path: Path) -> None:
    assert plunder(Operator(seized, tmp_path)) == set()


@pytest.mark.slow
def test_the_key_of_a_store_opens_it(seized: Seized, tmp_path: Path) -> None:
    planted = Operator(seized, tmp_path, planted=(seized.keys["alice"],))

    databases = OPENED_IF_THERE_IS_A_SERVER if available() else set()
    assert plunder(planted) == OPENED_BY_STORE_KEY | databases


@pytest.mark.slow
def test_the_key_of_a_sealed_state_opens_it(seized: Seized, tmp_path: Path) -> None:
    planted = Operator(seized, tmp_path, planted=(seized.keys["signal"],))

    assert plunder(planted) == OPENED_BY_STATE_KEY


@pytest.mark.slow
def test_the_key_of_a_sealed_state_of_olm_opens_it(seized: Seized, tmp_path: Path) -> None:
    planted = Operator(seized, tmp_path, planted=(seized.keys["olm"],))

    assert plunder(planted) == OPENED_BY_OLM_KEY


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "opened"), [("megolm", OPENED_BY_MEGOLM_KEY), ("pickle", OPENED_BY_PICKLE_KEY)]
)
def test_the_key_of_a_room_opens_it(
    seized: Seized, tmp_path: Path, name: str, opened: set[str]
) -> None:
    planted = Operator(seized, tmp_path, planted=(seized.keys[name],))

    assert plunder(planted) == opened


@pytest.mark.slow
def test_the_key_of_an_attachment_opens_it(seized: Seized, tmp_path: Path) -> None:
    planted = Operator(seized, tmp_path, planted=(seized.keys["attachment"],))

    assert plunder(planted) == OPENED_BY_ATTACHMENT_KEY


@pytest.mark.slow
def test_the_key_of_a_file_opens_it(seized: Seized, tmp_path: Path) -> None:
    planted = Operator(seized, tmp_path, planted=(seized.keys["file"],))

    assert plunder(planted) == OPENED_BY_FILE_KEY


@pytest.mark.slow
def test_the_key_of_a_message_opens_it(seized: Seized, tmp_path: Path) -> None:
    planted = Operator(seized, tmp_path, planted=(seized.keys["aead"],))

    assert plunder(planted) == {"AeadKey.from_bytes"}


def test_no_plaintext_and_no_key_stands_in_what_others_hold(seized: Seized) -> None:
    material = b"|".join(seized.every_byte())

    assert [text for text in seized.plaintexts if text in material] == []
    assert [name for name, key in seized.keys.items() if key in material] == []


def test_a_sealed_envelope_names_nobody(seized: Seized) -> None:
    certificates = [signal.SenderCertificate.from_bytes(each) for each in seized.certificates]
    people = [
        part
        for certificate in certificates
        for part in (
            certificate.identity_key[1:],
            certificate.sender.user.encode(),
            uuid.UUID(certificate.sender.user).bytes,
        )
    ]
    material = b"|".join(seized.sealed)

    assert len(people) == len(PEOPLE) * 3
    assert [part for part in [*people, *(b"alice", b"bob")] if part in material] == []


def test_every_public_function_that_takes_bytes_is_tried() -> None:
    assert {call.name for call in calls() if call.takes_bytes()} == set(ATTEMPTS)
