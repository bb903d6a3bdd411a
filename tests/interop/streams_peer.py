# SPDX-License-Identifier: MIT OR Apache-2.0
"""The package `tink` in a process of its own: requests come as JSON lines, replies go in order.

Arguments and values are base64. What it refuses is answered with `null`.
"""

import base64
import io
import json
import sys

import tink
from tink import aead, secret_key_access, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, aes_gcm_pb2, common_pb2, tink_pb2

TYPES = "type.googleapis.com/google.crypto.tink."


class Kept(io.BytesIO):
    """A file whose bytes outlive its closing."""

    content = b""

    def close(self) -> None:
        """Keeps them."""
        self.content = self.getvalue()
        super().close()


def handle(kind: str, key: bytes) -> tink.KeysetHandle:
    """A keyset with one key, whose ciphertexts begin with nothing of Tink's own."""
    described = tink_pb2.KeyData(
        type_url=TYPES + kind, value=key, key_material_type=tink_pb2.KeyData.SYMMETRIC
    )
    only = tink_pb2.Keyset.Key(
        key_data=described,
        status=tink_pb2.ENABLED,
        key_id=1,
        output_prefix_type=tink_pb2.RAW,
    )
    keyset = tink_pb2.Keyset(primary_key_id=1, key=[only])
    return tink.proto_keyset_format.parse(keyset.SerializeToString(), secret_key_access.TOKEN)


def streaming(key: bytes, segment_size: int) -> streaming_aead.StreamingAead:
    """AES-256-GCM-HKDF streaming, as the templates `AES256_GCM_HKDF_4KB` and `_1MB` have it."""
    parameters = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
        ciphertext_segment_size=segment_size,
        derived_key_size=32,
        hkdf_hash_type=common_pb2.SHA256,
    )
    made = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(key_value=key, params=parameters)
    keys = handle("AesGcmHkdfStreamingKey", made.SerializeToString())
    return keys.primitive(streaming_aead.StreamingAead)


def single(key: bytes) -> aead.Aead:
    """AES-256-GCM, as the template `AES256_GCM_RAW` has it."""
    made = aes_gcm_pb2.AesGcmKey(key_value=key)
    return handle("AesGcmKey", made.SerializeToString()).primitive(aead.Aead)


def answer(request: dict[str, object]) -> bytes:
    """The value of one operation."""
    text = {name: base64.b64decode(str(request[name])) for name in ("key", "data", "bytes")}
    key, data, given = text["key"], text["data"], text["bytes"]
    match request["op"]:
        case "seal_stream":
            kept = Kept()
            cipher = streaming(key, int(str(request["segment_size"])))
            with cipher.new_encrypting_stream(kept, data) as out:
                out.write(given)
            return kept.content
        case "open_stream":
            cipher = streaming(key, int(str(request["segment_size"])))
            with cipher.new_decrypting_stream(io.BytesIO(given), data) as source:
                return bytes(source.read())
        case "seal":
            return bytes(single(key).encrypt(given, data))
        case _:
            return bytes(single(key).decrypt(given, data))


def main() -> None:
    """Answers until the input ends."""
    streaming_aead.register()
    aead.register()
    for line in sys.stdin:
        try:
            reply = base64.b64encode(answer(json.loads(line))).decode()
        except tink.TinkError:
            reply = None
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
