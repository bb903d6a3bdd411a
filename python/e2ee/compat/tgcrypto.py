# SPDX-License-Identifier: MIT OR Apache-2.0
"""The package `tgcrypto` with our core below: `from e2ee.compat import tgcrypto`.

Names, arguments and errors are the same (mtproto_secret_chats.md §9): Pyrogram and Kurigram run on
it as they are. Arguments stand by position, and any buffer in one piece will do. Results are
`bytes`, and on large inputs other threads run meanwhile.

>>> key, iv = bytes(32), bytes(32)
>>> ige256_encrypt(b"Meet me at noon.", key, iv).hex()
'e10bd1a435c9a47e5c10757c2eafe840'

A stream goes on in the next call: CTR updates the counter and the bytes used of its block, CBC the
IV. Unlike the package, which writes into `bytes` as well, only what can be written is updated.

>>> counter, state = bytearray(16), bytearray(1)
>>> start = ctr256_encrypt(b"Meet me ", key, counter, state)
>>> start += ctr256_encrypt(b"at noon.", key, counter, state)
>>> ctr256_decrypt(start, key, bytes(16), bytes(1))
b'Meet me at noon.'

Beside the functions of the package there are forms that change a writable buffer in its place, and
forms of IGE that take several messages, tuples of data, key and IV, and work on them side by side,
from `bytes` into new ones or each buffer in its place, which is faster as no memory is asked for.

>>> buffer = bytearray(b"Meet me at noon.")
>>> ige256_encrypt_in_place(buffer, key, iv)
>>> [ige256_encrypt(b"Meet me at noon.", key, iv)] == ige256_encrypt_many(
...     [(b"Meet me at noon.", key, iv)]
... )
True
>>> ige256_decrypt_many_in_place([(buffer, key, iv)])
>>> buffer
bytearray(b'Meet me at noon.')

None of these modes says whether what it decrypts was altered: the caller has to compare a hash.
"""

from __future__ import annotations

from e2ee._core import compat_cbc256_decrypt as cbc256_decrypt
from e2ee._core import compat_cbc256_decrypt_in_place as cbc256_decrypt_in_place
from e2ee._core import compat_cbc256_encrypt as cbc256_encrypt
from e2ee._core import compat_cbc256_encrypt_in_place as cbc256_encrypt_in_place
from e2ee._core import compat_ctr256 as ctr256_decrypt
from e2ee._core import compat_ctr256 as ctr256_encrypt
from e2ee._core import compat_ctr256_in_place as ctr256_decrypt_in_place
from e2ee._core import compat_ctr256_in_place as ctr256_encrypt_in_place
from e2ee._core import compat_ige256_decrypt as ige256_decrypt
from e2ee._core import compat_ige256_decrypt_in_place as ige256_decrypt_in_place
from e2ee._core import compat_ige256_decrypt_many as ige256_decrypt_many
from e2ee._core import compat_ige256_decrypt_many_in_place as ige256_decrypt_many_in_place
from e2ee._core import compat_ige256_encrypt as ige256_encrypt
from e2ee._core import compat_ige256_encrypt_in_place as ige256_encrypt_in_place
from e2ee._core import compat_ige256_encrypt_many as ige256_encrypt_many
from e2ee._core import compat_ige256_encrypt_many_in_place as ige256_encrypt_many_in_place

__all__ = [
    "cbc256_decrypt",
    "cbc256_decrypt_in_place",
    "cbc256_encrypt",
    "cbc256_encrypt_in_place",
    "ctr256_decrypt",
    "ctr256_decrypt_in_place",
    "ctr256_encrypt",
    "ctr256_encrypt_in_place",
    "ige256_decrypt",
    "ige256_decrypt_in_place",
    "ige256_decrypt_many",
    "ige256_decrypt_many_in_place",
    "ige256_encrypt",
    "ige256_encrypt_in_place",
    "ige256_encrypt_many",
    "ige256_encrypt_many_in_place",
]
