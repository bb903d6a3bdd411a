# SPDX-License-Identifier: MIT OR Apache-2.0
"""The package `cryptg` with our core below: `from e2ee.compat import cryptg`.

Names, arguments and errors are the same (mtproto_secret_chats.md §9): Telethon runs on it as it is.
Only `bytes` are taken. What is encrypted is filled up with random bytes to whole blocks of 16, and
on large inputs other threads run meanwhile.

>>> key, iv = bytes(32), bytes(32)
>>> sealed = encrypt_ige(b"Meet me at noon, alone.", key, iv)
>>> len(sealed), decrypt_ige(sealed, key, iv)[:23]
(32, b'Meet me at noon, alone.')

Unlike the package, which panics, `decrypt_ige` raises `ValueError` for a part of a block, and
`factorize_pq_pair` factors small products as well and raises `ValueError` for a number that has no
two factors.

>>> factorize_pq_pair(0x17ED48941A08F981)
(1229739323, 1402015859)
>>> factorize_pq_pair(15)
(3, 5)

`e2ee.compat.tgcrypto` has forms of IGE that change a buffer in its place, or take several messages.
"""

from __future__ import annotations

from e2ee._core import compat_decrypt_ige as decrypt_ige
from e2ee._core import compat_encrypt_ige as encrypt_ige
from e2ee._core import compat_factorize_pq_pair as factorize_pq_pair

__all__ = ["decrypt_ige", "encrypt_ige", "factorize_pq_pair"]
