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
"""

from e2ee._core import (
    AccountKeys,
    BackupKeys,
    Device,
    HpkeKey,
    SenderKey,
    SenderKeys,
    Session,
    SessionStep,
    StateKey,
    Username,
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
    "StateKey",
    "TrustRoot",
    "Username",
    "fan_out",
    "hash_pin",
    "hpke_seal",
    "left_out",
    "safety_number",
]
