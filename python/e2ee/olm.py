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
"""

from e2ee._core import BacklogStep, SessionStep, StateKey
from e2ee._core import OlmAccount as Account
from e2ee._core import OlmSession as Session

__all__ = [
    "Account",
    "BacklogStep",
    "Session",
    "SessionStep",
    "StateKey",
]
