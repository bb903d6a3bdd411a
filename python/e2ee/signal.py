# SPDX-License-Identifier: MIT OR Apache-2.0
"""The Signal protocol without a store: the caller saves every step (docs/storage.md).

A session's `encrypt` and `decrypt` return a step. Save all of `step.writes` in one transaction,
then call `step.release()`, once, for the result. Whoever releases first, or loads one state twice,
uses message keys twice; `e2ee.Account` over a store cannot.

Messages are those of signal.md §4: kind 2 is a ratchet message, kind 3 a prekey message. Nothing is
padded here, and names stand as they are given: a name that is a service id (a UUID) is bound into
first messages.

For the servers that carry sealed messages (signal.md §10) there are `TrustRoot` and `ServerSigner`,
which certify senders, and `fan_out`.

>>> import secrets
>>> from e2ee import Address, signal
>>> key = signal.StateKey(secrets.token_bytes(32))
>>> alice, bob = signal.Device.generate("alice", 1), signal.Device.generate("bob", 1)
>>> sending = signal.Session.initiate(key, alice, Address("bob"), bob.bundle())
>>> step = sending.encrypt(b"Meet me at noon.")
>>> sorted(step.writes)  # save these first
['head', 'objects', 'skipped']
>>> kind, message = step.kind, step.release()
>>> receiving, step = signal.Session.accept(key, bob, Address("alice"), message)
>>> step.release()
b'Meet me at noon.'

A group has a `SenderKey` of one's own, whose distribution message goes to each member through a
session, and `SenderKeys` of each other member (signal.md §9).

>>> import uuid
>>> club = uuid.uuid4()
>>> own = signal.SenderKey.create(key, club)
>>> others = signal.SenderKeys(key, Address("alice"), club)
>>> others.accept(own.distribution()).release()
b''
>>> others.decrypt(own.encrypt(b"Hello, all.").release()).release()
b'Hello, all.'

What waits can be opened as one step, and one text can go to many sessions in one call; both give
what one call after the other would, and share the work among all cores where that pays.

>>> waiting = [own.encrypt(text).release() for text in (b"one", b"two")]
>>> step = others.decrypt_many([*waiting, b"noise"])
>>> saved = step.writes
>>> [type(each).__name__ for each in step.release()]
['bytes', 'bytes', 'MalformedMessageError']
>>> step = signal.encrypt_many([(receiving, b"To you, and to others."), (sending, b"To me.")])
>>> [(place, name) for place, name, revision, sealed in step.writes]
[(0, 'head'), (1, 'head')]
>>> [each if isinstance(each, Exception) else each[0] for each in step.release()]
[2, 3]
"""

from e2ee._core import (
    AccountKeys,
    BacklogStep,
    BackupKeys,
    Device,
    HpkeKey,
    SenderKey,
    SenderKeys,
    Session,
    SessionStep,
    SpreadStep,
    StateKey,
    Username,
    encrypt_many,
    hash_pin,
    hpke_seal,
)
from e2ee._safety import safety_number
from e2ee._sealed import (
    SealedRecipient,
    SenderCertificate,
    ServerSigner,
    TrustRoot,
    fan_out,
    left_out,
)

__all__ = [
    "AccountKeys",
    "BacklogStep",
    "BackupKeys",
    "Device",
    "HpkeKey",
    "SealedRecipient",
    "SenderCertificate",
    "SenderKey",
    "SenderKeys",
    "ServerSigner",
    "Session",
    "SessionStep",
    "SpreadStep",
    "StateKey",
    "TrustRoot",
    "Username",
    "encrypt_many",
    "fan_out",
    "hash_pin",
    "hpke_seal",
    "left_out",
    "safety_number",
]
