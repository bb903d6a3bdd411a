# SPDX-License-Identifier: MIT OR Apache-2.0
"""Short strings to compare, of the package `python-olm` (olm_megolm.md §4)."""

from __future__ import annotations

from typing import Final

from e2ee._core import CompatCurve25519PublicKey, CompatEstablishedSas, CompatSas
from e2ee.compat.olm._errors import OlmSasError, words
from e2ee.compat.olm._text import to_text

_KEY_TEXT_LEN: Final = 43


class Sas:
    """One side of a verification."""

    def __init__(self, other_users_pubkey: str | None = None) -> None:
        self._own = CompatSas()
        self._established: CompatEstablishedSas | None = None
        if other_users_pubkey:
            self.set_their_pubkey(other_users_pubkey)

    @property
    def pubkey(self) -> str:
        """Our key, for the other side."""
        return self._own.public_key.to_base64()

    @property
    def other_key_set(self) -> bool:
        """Whether the other side's key is known."""
        return self._established is not None

    def set_their_pubkey(self, key: str) -> None:
        """Takes the other side's key, once; raises `OlmSasError` if it cannot be used."""
        text = to_text(key)
        if len(text) < _KEY_TEXT_LEN:
            raise OlmSasError("OLM_INPUT_BUFFER_TOO_SMALL")
        with words(OlmSasError):
            their_key = CompatCurve25519PublicKey.from_base64(text)
            self._established = self._own.diffie_hellman(their_key)

    def generate_bytes(self, extra_info: str, length: int) -> bytes:
        """So many bytes, the same at both sides if they give the same text."""
        if length < 1:
            raise ValueError("The length needs to be a positive integer value")
        with words(OlmSasError):
            return self._agreed().raw_bytes(extra_info, length)

    def calculate_mac(self, message: str, extra_info: str) -> str:
        """The MAC of a text in the broken base64 of libolm, for old programs."""
        return self._agreed().calculate_mac_invalid_base64(message, extra_info)

    def calculate_mac_fixed_base64(self, message: str, extra_info: str) -> str:
        """The MAC of a text."""
        return self._agreed().calculate_mac(message, extra_info)

    def calculate_mac_long_kdf(self, message: str, extra_info: str) -> str:
        """The MAC of a text as programs before 2019 made it."""
        return self._agreed().calculate_mac_long_kdf(message, extra_info)

    def _agreed(self) -> CompatEstablishedSas:
        if self._established is None:
            raise OlmSasError("OLM_SAS_THEIR_KEY_NOT_SET")
        return self._established
