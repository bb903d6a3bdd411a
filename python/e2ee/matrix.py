# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a Matrix client needs around Olm and Megolm (olm_megolm.md §4 to §9).

Where Matrix has text, there is text: keys, signatures and sealed fields are unpadded base64, read
with or without padding; objects are dictionaries as JSON has them.

Two people verify each other. One side starts, the other accepts with a commitment:

>>> from e2ee import matrix
>>> start = matrix.canonical_json({"method": "m.sas.v1", "transaction_id": "txn"})
>>> acceptor = matrix.SasAcceptor()
>>> starter = matrix.SasStarter(acceptor.commitment(start))
>>> alice, bob = ("@alice:example.org", "ADEV"), ("@bob:example.org", "BDEV")
>>> starts, accepts = starter.public_key, acceptor.public_key
>>> ours = starter.agree(accepts, start, ours=alice, theirs=bob, transaction="txn")
>>> theirs = acceptor.agree(starts, ours=bob, theirs=alice, transaction="txn")
>>> ours.emoji() == theirs.emoji()  # people compare these
True
>>> mac, keys = ours.mac_keys({"ed25519:ADEV": "the text of a key"})
>>> theirs.verify_keys(mac, keys, {"ed25519:ADEV": "the text of a key"})
['ed25519:ADEV']

Cross-signing keys vouch for devices, and are kept as secrets under one storage key:

>>> own = matrix.CrossSigningKeys.generate("@alice:example.org")
>>> storage, description = matrix.create_storage_key()
>>> written = storage.written()  # for the owner's drawer
>>> sealed = matrix.store_key(storage, "m.cross_signing.master", own.master)
>>> again = matrix.unlock_storage(description, written=written)
>>> master = matrix.restore_signing_key(
...     again, "m.cross_signing.master", sealed, public_key=own.master.public_key
... )

Room keys go into a backup, whose format says nothing about where they come from:

>>> backup = matrix.BackupKey.generate()
>>> session_data = matrix.seal_backup(backup.public_key, {"session_key": "AQAA"})
>>> matrix.open_backup(backup, session_data)
{'session_key': 'AQAA'}

A device that logs in shows a key in a QR code, and speaks with the one that scans it:

>>> recipient = matrix.HpkeLoginRecipient()
>>> waiting, first = matrix.HpkeLoginWaiting.establish(recipient.public_key, b"Who is there?")
>>> opened, text = recipient.accept(first)
>>> theirs, answer = opened.answer(b"The new device.")
>>> ours, text = waiting.receive(answer)
>>> ours.check_code == theirs.check_code  # people compare these
True
>>> theirs.decrypt(ours.encrypt(b"Welcome."))
b'Welcome.'

Files lie beside the messages:

>>> import io
>>> ciphertext, file = io.BytesIO(), io.BytesIO()
>>> encrypted = matrix.encrypt_file(io.BytesIO(b"A picture."), ciphertext)
>>> ciphertext.seek(0)
0
>>> matrix.decrypt_file(encrypted, ciphertext, file)
>>> file.getvalue()
b'A picture.'
"""

from e2ee._core import (
    BackupKey,
    HpkeLoginChannel,
    HpkeLoginOpened,
    HpkeLoginRecipient,
    HpkeLoginWaiting,
    LoginChannel,
    LoginRecipient,
    Sas,
    SasAcceptor,
    SasStarter,
    SigningKey,
    StorageKey,
    VerificationCode,
)
from e2ee._matrix_account import KeyUpload
from e2ee._matrix_bundles import make_bundle
from e2ee._matrix_cross_signing import (
    CrossSigningKeys,
    public_key_of,
    verify_device,
    verify_device_itself,
    verify_one_time_key,
    verify_user,
)
from e2ee._matrix_files import decrypt_file, encrypt_file, open_file
from e2ee._matrix_json import canonical_json, parse_json
from e2ee._matrix_rooms import RoomKeyReport
from e2ee._matrix_signed import sign_object, verify_object
from e2ee._matrix_stored import (
    create_storage_key,
    open_backup,
    open_key_export,
    open_secret,
    restore_backup_key,
    restore_signing_key,
    seal_backup,
    seal_key_export,
    seal_secret,
    store_key,
    unlock_storage,
)

__all__ = [
    "BackupKey",
    "CrossSigningKeys",
    "HpkeLoginChannel",
    "HpkeLoginOpened",
    "HpkeLoginRecipient",
    "HpkeLoginWaiting",
    "KeyUpload",
    "LoginChannel",
    "LoginRecipient",
    "RoomKeyReport",
    "Sas",
    "SasAcceptor",
    "SasStarter",
    "SigningKey",
    "StorageKey",
    "VerificationCode",
    "canonical_json",
    "create_storage_key",
    "decrypt_file",
    "encrypt_file",
    "make_bundle",
    "open_backup",
    "open_file",
    "open_key_export",
    "open_secret",
    "parse_json",
    "public_key_of",
    "restore_backup_key",
    "restore_signing_key",
    "seal_backup",
    "seal_key_export",
    "seal_secret",
    "sign_object",
    "store_key",
    "unlock_storage",
    "verify_device",
    "verify_device_itself",
    "verify_object",
    "verify_one_time_key",
    "verify_user",
]
