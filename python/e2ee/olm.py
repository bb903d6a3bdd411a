# SPDX-License-Identifier: MIT OR Apache-2.0
"""What Matrix clients speak, without a store: the caller saves every step (docs/storage.md).

Olm (olm_megolm.md §1) is for two devices. An `Account` is a device: its two identity keys, and the
one-time keys that it publishes so that others can start a `Session` while it is away. Nothing in
Olm says whose keys these are: publish them under `Account.sign`, and take those of others only
under their signature (olm_megolm.md §8).

A session's `encrypt` and `decrypt` return a step. Save all of `step.writes` in one transaction,
then call `step.release()`, once, for the result. Whoever releases first, or loads one state twice,
uses message keys twice. The kind of a message is its type: 0 a prekey message, 1 a normal one.
Keys, ids and messages are bytes here; Matrix writes them as base64 without padding.

>>> import secrets
>>> from e2ee import olm
>>> key = olm.StateKey(secrets.token_bytes(32))
>>> alice, bob = olm.Account.generate(), olm.Account.generate()
>>> bob.generate_one_time_keys(bob.max_one_time_keys)
>>> revision, record = bob.seal(key)  # save it, then publish the keys
>>> published = dict(bob.one_time_keys)
>>> bob.mark_keys_as_published()
>>> sending = olm.Session.initiate(
...     key, alice, identity_key=bob.identity_key, one_time_key=published[1]
... )
>>> step = sending.encrypt(b"Meet me at noon.")
>>> sorted(step.writes)  # save these first
['chains', 'head', 'skipped']
>>> kind, message = step.kind, step.release()
>>> receiving, step = olm.Session.accept(key, bob, alice.identity_key, message)
>>> revision, record = bob.seal(key)  # save it with `step.writes`: the one-time key is used up
>>> step.release()
b'Meet me at noon.'
>>> sending.session_id == receiving.session_id
True

More than one first message can come before an answer does. They belong to the session that they
match; only one that matches none makes another.

>>> step = sending.encrypt(b"Bring the book.")
>>> kind, message = step.kind, step.release()
>>> kind, receiving.matches(message)
(0, True)
>>> receiving.decrypt(kind, message).release()
b'Bring the book.'

Megolm (olm_megolm.md §2) is for a room. Each member has an `OutboundGroupSession` of its own, whose
session key goes to the others through Olm, and an `InboundGroupSession` of each other member. A
message opens as often as it is asked for, but as one event only: give the id under which the server
shows it. `export_at` gives a session on from any index, for a backup or another device.

>>> own = olm.OutboundGroupSession.create(key)
>>> others, step = olm.InboundGroupSession.accept(key, own.session_key())
>>> step.release()
b''
>>> message = own.encrypt(b"Hello, all.").release()
>>> others.decrypt(message, "$event").release()
(0, b'Hello, all.')
>>> others.decrypt(message, "$replayed")
Traceback (most recent call last):
    ...
e2ee.errors.DuplicateMessageError: a message with this key was already opened

`Pickles` takes over what libolm and vodozemac keep, and gives it back (olm_megolm.md §3).

>>> pickles = olm.Pickles.libolm(b"the key of the pickles")
>>> moved = pickles.read_account(pickles.write_account(alice))
>>> moved.identity_key == alice.identity_key
True
"""

from e2ee._core import BacklogStep, GroupBacklogStep, GroupStep, SessionStep, StateKey
from e2ee._core import OlmAccount as Account
from e2ee._core import OlmInboundGroupSession as InboundGroupSession
from e2ee._core import OlmOutboundGroupSession as OutboundGroupSession
from e2ee._core import OlmPickles as Pickles
from e2ee._core import OlmSession as Session

__all__ = [
    "Account",
    "BacklogStep",
    "GroupBacklogStep",
    "GroupStep",
    "InboundGroupSession",
    "OutboundGroupSession",
    "Pickles",
    "Session",
    "SessionStep",
    "StateKey",
]
