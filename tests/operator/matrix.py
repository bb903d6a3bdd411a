# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a Matrix client keeps at servers: seized, shown to its owner, and tried by the operator."""

from __future__ import annotations

import io
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import e2ee
from e2ee import matrix, olm, signal
from tests.operator.megolm import of_megolm
from tests.operator.olm import of_olm
from tests.operator.olm_account import of_olm_account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.operator.attempts import Act, Operator
    from tests.operator.owner import Shown
    from tests.operator.seized import Seized

STATE_KEY = bytes(range(32))
ALICE, BOB = ("@alice:example.org", "ADEV"), ("@bob:example.org", "BDEV")
NAME = "m.cross_signing.master"


def seize_matrix(seized: Seized) -> None:
    """What a server and a thief of files hold; the keys are those of the sealed states."""
    state = signal.StateKey(seized.keys["signal"])
    backup, storage = matrix.BackupKey.generate(), matrix.StorageKey.generate()
    signing, blob = matrix.SigningKey.generate(), io.BytesIO()
    encrypted = matrix.encrypt_file(io.BytesIO(seized.text()), blob)
    fields = [matrix.seal_backup(backup.public_key, {"text": seized.text().hex()})]
    fields += [matrix.seal_secret(storage, NAME, seized.text().hex())]
    seized.pickles.append(olm.Pickles.libolm(seized.keys["pickle"]).write_backup_key(backup))
    seized.plaintexts[-2:] = [each.hex().encode() for each in seized.plaintexts[-2:]]
    seized.beside |= {
        "matrix backup": json.dumps(fields[0]).encode(),
        "matrix secret": json.dumps(fields[1]).encode(),
        "matrix file": blob.getvalue(),
        "matrix hash": json.dumps(encrypted["hashes"]).encode(),
        "matrix backup key": backup.seal(state),
        "matrix storage key": storage.seal(state),
        "matrix signing key": signing.seal(state),
    }


def both() -> tuple[matrix.SasAcceptor, matrix.SasStarter, list[matrix.Sas]]:
    """A verification, from its start to its end, and two sides that have not agreed."""
    acceptor = matrix.SasAcceptor()
    starter = matrix.SasStarter(acceptor.commitment(b"{}"))
    starts, accepts = starter.public_key, acceptor.public_key
    agreed = [
        starter.agree(accepts, b"{}", ours=ALICE, theirs=BOB, transaction="txn"),
        acceptor.agree(starts, ours=BOB, theirs=ALICE, transaction="txn"),
    ]
    fresh = matrix.SasAcceptor()
    return fresh, matrix.SasStarter(fresh.commitment(b"{}")), agreed


def of_all_of_matrix() -> Shown:
    """Olm, Megolm and what is around them."""
    return of_olm() | of_megolm() | of_matrix() | of_olm_account()


def of_matrix() -> Shown:
    """Each attribute and method, with what it returns."""
    shown = of_verification() | of_channel() | of_keys()
    return {(kind, name): value for kind, all_of in shown.items() for name, value in all_of.items()}


def of_verification() -> dict[str, dict[str, object]]:
    """What two people compare."""
    acceptor, starter, [ours, theirs] = both()
    mac, keys = ours.mac_keys({"ed25519:ADEV": "key"})
    code = matrix.VerificationCode(
        "other-user", transaction="txn", shown_key="A" * 43, expected_key="A" * 43
    )
    return {
        "SasAcceptor": {
            "public_key": acceptor.public_key,
            "commitment": acceptor.commitment(b"{}"),
            "agree": repr(theirs),
        },
        "SasStarter": {"public_key": starter.public_key, "agree": repr(ours)},
        "Sas": {
            "emoji": ours.emoji(),
            "decimal": list(ours.decimal()),
            "mac_keys": [mac, keys],
            "verify_keys": theirs.verify_keys(mac, keys, {"ed25519:ADEV": "key"}),
        },
        "VerificationCode": {
            "mode": code.mode,
            "transaction": code.transaction,
            "shown_key": code.shown_key,
            "expected_key": code.expected_key,
            "secret": code.secret,
            "was_scanned": code.was_scanned(code.secret),
            "to_bytes": code.to_bytes(),
            "from_bytes": repr(matrix.VerificationCode.from_bytes(code.to_bytes())),
        },
    }


def of_channel() -> dict[str, dict[str, object]]:
    """What two devices say at a login."""
    recipient = matrix.LoginRecipient()
    public_key = recipient.public_key
    ours, first = matrix.LoginChannel.establish(public_key, b"text")
    theirs, text = recipient.accept(first)
    message = ours.encrypt(b"text")
    return of_hpke_channel() | {
        "LoginRecipient": {"public_key": public_key, "accept": [repr(theirs), text]},
        "LoginChannel": {
            "establish": [repr(ours), first],
            "encrypt": message,
            "decrypt": theirs.decrypt(message),
            "check_code": ours.check_code,
        },
    }


def of_hpke_channel() -> dict[str, dict[str, object]]:
    """The same over HPKE."""
    recipient = matrix.HpkeLoginRecipient()
    public_key = recipient.public_key
    waiting, first = matrix.HpkeLoginWaiting.establish(public_key, b"text")
    opened, text = recipient.accept(first)
    theirs, answer = opened.answer(b"answer")
    ours, answered = waiting.receive(answer)
    message = ours.encrypt(b"text")
    return {
        "HpkeLoginRecipient": {"public_key": public_key, "accept": [repr(opened), text]},
        "HpkeLoginOpened": {"answer": [repr(theirs), answer]},
        "HpkeLoginWaiting": {
            "establish": [repr(waiting), first],
            "receive": [repr(ours), answered],
        },
        "HpkeLoginChannel": {
            "encrypt": message,
            "decrypt": theirs.decrypt(message),
            "check_code": ours.check_code,
        },
    }


def of_keys() -> dict[str, dict[str, object]]:
    """What holds private keys, and what becomes of them."""
    state, storage = signal.StateKey(STATE_KEY), matrix.StorageKey.generate()
    backup, own = matrix.BackupKey.generate(), matrix.CrossSigningKeys.generate(ALICE[0])
    signing = own.master
    sealed = matrix.seal_backup(backup.public_key, {})
    text, kept = storage.seal_text(NAME, "text"), signing.store(storage, NAME)
    stored = backup.store(storage, NAME)
    objects: dict[str, Any] = own.objects(signing, "ADEV")
    device: dict[str, object] = {"user_id": ALICE[0]}
    return {
        "StorageKey": {
            "generate": repr(storage),
            "from_passphrase": repr(matrix.StorageKey.from_passphrase("word", "abc", 1)),
            "from_written": repr(matrix.StorageKey.from_written(storage.written())),
            "written": storage.written(),
            "load": repr(matrix.StorageKey.load(state, storage.seal(state))),
            "seal": storage.seal(state),
            "check": list(storage.check()),
            "matches": storage.matches(storage.check()),
            "seal_text": list(text),
            "open_text": storage.open_text(NAME, text),
        },
        "SigningKey": {
            "generate": repr(signing),
            "load": repr(matrix.SigningKey.load(state, signing.seal(state))),
            "seal": signing.seal(state),
            "store": list(kept),
            "restore": repr(matrix.SigningKey.restore(storage, NAME, kept)),
            "public_key": signing.public_key,
            "sign": signing.sign(b"text"),
        },
        "BackupKey": {
            "generate": repr(backup),
            "load": repr(matrix.BackupKey.load(state, backup.seal(state))),
            "seal": backup.seal(state),
            "store": list(stored),
            "restore": repr(matrix.BackupKey.restore(storage, NAME, stored)),
            "public_key": backup.public_key,
            "open": backup.open((sealed["ephemeral"], sealed["ciphertext"], sealed["mac"])),
        },
        "CrossSigningKeys": {
            "generate": repr(own),
            "user": own.user,
            "keys": repr(own.keys),
            "master": repr(own.master),
            "self_signing": repr(own.self_signing),
            "user_signing": repr(own.user_signing),
            "objects": objects,
            "sign_device": own.sign_device(device),
            "sign_user": own.sign_user(objects["master_key"]),
        },
    }


def parsed(operator: Operator, name: str) -> dict[str, object]:
    """A seized object."""
    value = matrix.parse_json(operator.seized.beside[name])
    assert isinstance(value, dict)
    return value


def load_backup_key(operator: Operator, key: bytes) -> dict[str, object]:
    """Loads the seized key under a suggested one, and opens the seized backup."""
    own = matrix.BackupKey.load(signal.StateKey(key), operator.seized.beside["matrix backup key"])
    return matrix.open_backup(own, parsed(operator, "matrix backup"))


def load_storage_key(operator: Operator, key: bytes) -> str:
    """Loads the seized key under a suggested one, and opens the seized secret."""
    record = operator.seized.beside["matrix storage key"]
    own = matrix.StorageKey.load(signal.StateKey(key), record)
    return matrix.open_secret(own, NAME, parsed(operator, "matrix secret"))


def load_signing_key(operator: Operator, key: bytes) -> str:
    """Loads the seized key under a suggested one."""
    record = operator.seized.beside["matrix signing key"]
    return matrix.SigningKey.load(signal.StateKey(key), record).sign(b"text")


def described(operator: Operator) -> dict[str, object]:
    """The seized file as an event could describe it, under a key of the operator's."""
    own: dict[str, object] = dict(matrix.encrypt_file(io.BytesIO(b""), io.BytesIO()))
    return own | {"hashes": parsed(operator, "matrix hash")}


def decrypted(encrypted: dict[str, object], blob: bytes) -> bytes:
    """What `decrypt_file` writes, whether it fails or not."""
    out = io.BytesIO()
    try:
        matrix.decrypt_file(encrypted, io.BytesIO(blob), out)
    except e2ee.E2EEError:
        return out.getvalue()
    return out.getvalue()


def read(encrypted: dict[str, object], blob: bytes) -> bytes:
    """What `open_file` shows."""
    with matrix.open_file(encrypted, io.BytesIO(blob)) as file:
        return file.read()


def encrypted(blob: bytes) -> bytes:
    """What `encrypt_file` writes."""
    out = io.BytesIO()
    matrix.encrypt_file(io.BytesIO(blob), out)
    return out.getvalue()


def started(blob: bytes) -> matrix.Sas:
    """A verification whose start is a blob."""
    acceptor = matrix.SasAcceptor()
    starter = matrix.SasStarter(acceptor.commitment(blob))
    return starter.agree(acceptor.public_key, blob, ours=ALICE, theirs=BOB, transaction="txn")


#: For every public callable that takes bytes, how the operator tries it.
MATRIX: dict[str, Callable[[Operator], Iterator[Act]]] = {
    "BackupKey.load": lambda o: o.key_acts(lambda key, _: load_backup_key(o, key)),
    "HpkeLoginChannel.decrypt": lambda o: o.value_acts(hpke_channel()[0].decrypt),
    "HpkeLoginChannel.encrypt": lambda o: o.value_acts(hpke_channel()[0].encrypt),
    "HpkeLoginOpened.answer": lambda o: o.value_acts(lambda b: hpke_opened().answer(b)[1]),
    "HpkeLoginRecipient.accept": lambda o: o.value_acts(
        lambda b: matrix.HpkeLoginRecipient().accept(b)[1]
    ),
    "HpkeLoginWaiting.establish": lambda o: o.value_acts(
        lambda b: matrix.HpkeLoginWaiting.establish(matrix.HpkeLoginRecipient().public_key, b)[1]
    ),
    "HpkeLoginWaiting.receive": lambda o: o.value_acts(
        lambda b: matrix.HpkeLoginWaiting.establish(matrix.HpkeLoginRecipient().public_key, b"")[
            0
        ].receive(b)[1]
    ),
    "LoginChannel.encrypt": lambda o: o.value_acts(lambda b: channel().encrypt(b)),
    "LoginChannel.establish": lambda o: o.value_acts(
        lambda b: matrix.LoginChannel.establish(matrix.LoginRecipient().public_key, b)[1]
    ),
    "SasAcceptor.commitment": lambda o: o.value_acts(matrix.SasAcceptor().commitment),
    "SasStarter.agree": lambda o: o.value_acts(lambda b: started(b).emoji()),
    "SigningKey.load": lambda o: o.key_acts(lambda key, _: load_signing_key(o, key)),
    "SigningKey.sign": lambda o: o.value_acts(matrix.SigningKey.generate().sign),
    "StorageKey.load": lambda o: o.key_acts(lambda key, _: load_storage_key(o, key)),
    "VerificationCode.from_bytes": lambda o: o.value_acts(matrix.VerificationCode.from_bytes),
    "decrypt_file": lambda o: (
        partial(decrypted, described(o), blob) for blob in o.seized.beside.values()
    ),
    "encrypt_file": lambda o: o.value_acts(encrypted),
    "open_file": lambda o: (partial(read, described(o), blob) for blob in o.seized.beside.values()),
    "parse_json": lambda o: o.value_acts(matrix.parse_json),
}


def hpke_opened() -> matrix.HpkeLoginOpened:
    """A channel over HPKE of the operator's own, before its answer."""
    recipient = matrix.HpkeLoginRecipient()
    return recipient.accept(matrix.HpkeLoginWaiting.establish(recipient.public_key, b"")[1])[0]


def hpke_channel() -> tuple[matrix.HpkeLoginChannel, bytes]:
    """The same behind its answer."""
    return hpke_opened().answer(b"")


def channel() -> matrix.LoginChannel:
    """A channel of the operator's own."""
    return matrix.LoginChannel.establish(matrix.LoginRecipient().public_key, b"")[0]
