# SPDX-License-Identifier: MIT OR Apache-2.0
"""Single messages that an application seals itself, in memory (docs/formats.md, "Sealed message").

>>> from e2ee.aead import AeadKey
>>> key = AeadKey.generate()
>>> sealed = key.seal(b"A note.", b"notes/1")
>>> key.open(sealed, b"notes/1")
b'A note.'

What is sealed or opened may be `bytes`, `bytearray`, `memoryview` or `mmap`. Messages to people go
through an `e2ee.Account`, which renews its keys; these stay as they are.
"""

from e2ee._core import AeadKey

__all__ = ["AeadKey"]
