# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes seeds for the fuzz targets from the recorded conversations (signal.md §15)."""

import base64
import json
import sys
from pathlib import Path
from typing import Any

PREKEY_MESSAGE = 3
VECTORS = Path(__file__).parent.parent / "tests" / "vectors"


def main(corpus: Path) -> None:
    """Writes the recorded messages of each kind into the corpus of the targets that read it."""
    for file in sorted((VECTORS / "signal").glob("session_*.json")):
        vector = json.loads(file.read_text())
        stored_records(corpus, file.stem, vector)
        steps = vector.get("steps", [])
        sends = [step for step in steps if step["op"] == "send"][:12]
        for number, step in enumerate(sends):
            message = bytes.fromhex(step["message"])
            kind = step["type"]
            name = f"{file.stem}-{number}"
            write(corpus / "envelope" / name, bytes([1, kind]) + message)
            target = "prekey_message" if kind == PREKEY_MESSAGE else "ratchet_message"
            write(corpus / target / name, message)
            fields = step["fields"]
            field = fields.get("message", fields).get("pq_ratchet")
            if field:
                write(corpus / "pq_field" / name, bytes.fromhex(field))
    sealed_messages(corpus)


def sealed_messages(corpus: Path) -> None:
    """Writes the recorded sealed messages, what a server got, and the certificates."""
    recorded = json.loads((VECTORS / "signal" / "sealed_sender.json").read_text())
    for number, case in enumerate(recorded["v1"]):
        write(corpus / "sealed_message" / f"v1-{number}", bytes.fromhex(case["message"]))
        write(corpus / "sealed_message" / f"content-{number}", bytes.fromhex(case["usmc"]))
    second = recorded["v2"]
    received = [case["received_message"] for case in second["received"]]
    for number, message in enumerate([*received, second["single_recipient_received"]]):
        write(corpus / "sealed_message" / f"v2-{number}", bytes.fromhex(message))
    for name in ("sent_message", "single_recipient_sent"):
        write(corpus / "sealed_sent" / name, bytes.fromhex(second[name]))
    for name in ("sender_certificate", "sender_certificate_no_e164"):
        write(corpus / "sender_certificate" / name, bytes.fromhex(recorded[name]))


def stored_records(corpus: Path, name: str, vector: dict[str, Any]) -> None:
    """Writes what the recorded client had stored: its keys, and its sessions."""
    for owner, value in vector.items():
        if isinstance(value, dict) and "identity_public" in value:
            identity = bytes.fromhex(value["identity_public"])[1:]
            pair = {"pair": value.get("identity_key_pair_serialized")}
            kinds = ("one_time_prekey", "signed_prekey", "kyber_prekey")
            records = pair | {kind: (value.get(kind) or {}).get("record") for kind in kinds}
            for kind, record in records.items():
                if record:
                    path = corpus / "libsignal_prekey_record" / f"{name}-{owner}-{kind}"
                    write(path, identity + bytes.fromhex(record))
    for number, step in enumerate(vector.get("steps", [])[:12]):
        record = step.get("sender_record_after") or step.get("record_after")
        if record:
            path = corpus / "libsignal_session_record" / f"{name}-{number}"
            write(path, bytes.fromhex(record))


def groups(corpus: Path) -> None:
    """Writes the recorded group conversation."""
    recorded = json.loads((VECTORS / "signal" / "sender_key.json").read_text())
    for number, each in enumerate(recorded["messages"]):
        message = bytes.fromhex(each["message"])
        write(corpus / "group_message" / f"sender_key-{number}", message)
        write(corpus / "envelope" / f"sender_key-{number}", bytes([1, 7]) + message)
    for name in ("distribution_message", "late_distribution_message"):
        write(corpus / "distribution_message" / name, bytes.fromhex(recorded[name]))
    for number, step in enumerate(recorded["steps"]):
        if "record_after" in step:
            record = bytes.fromhex(step["record_after"])
            write(corpus / "sender_key_record" / f"sender_key-{number}", record)
    write(corpus / "sender_key_record" / "own", bytes.fromhex(recorded["sender_record_initial"]))


def write_scannable(corpus: Path) -> None:
    """Writes the recorded safety numbers as a camera reads them (signal.md §11)."""
    recorded = json.loads((VECTORS / "signal" / "fingerprints.json").read_text())
    for number, case in enumerate(recorded["fingerprints"]):
        write(corpus / "scannable" / str(number), bytes.fromhex(case["scannable"]))


def repair(corpus: Path) -> None:
    """Writes the recorded requests to send again (signal.md §4.4)."""
    recorded = json.loads((VECTORS / "signal" / "misc.json").read_text())["decryption_error"]
    for name in ("serialized", "plaintext_content", "for_sender_key"):
        write(corpus / "repair_message" / name, bytes.fromhex(recorded[name]))
    content = bytes.fromhex(recorded["plaintext_content"])
    write(corpus / "envelope" / "repair", bytes([1, 8]) + content)


def beside(corpus: Path) -> None:
    """Writes usernames, links, a single message, and pointers and blobs made up here."""
    recorded = json.loads((VECTORS / "signal" / "misc.json").read_text())
    for each in recorded["usernames"]:
        text = each["username"].encode()
        write(corpus / "username" / f"{text.decode()}-text", text)
        write(corpus / "username" / f"{text.decode()}-held", b"\x0a" + bytes([len(text)]) + text)
        link = bytes.fromhex(each["link_encrypted"])
        write(corpus / "username" / f"{text.decode()}-link", link)
    write(corpus / "hpke_message" / "recorded", bytes.fromhex(recorded["hpke"]["sealed"]))
    plain = b"\x1a\x40" + bytes(64) + b"\x20\x05" + b"\x32\x20" + bytes(32)
    chunks = b"\x88\x01\x80\x80\x04" + b"\x9a\x01\x40" + bytes(64)
    write(corpus / "attachment_pointer" / "plain", plain)
    write(corpus / "attachment_pointer" / "chunks", plain + chunks)
    for size, honest, blocks in ((0, 1, 2), (5, 1, 3), (200, 1, 20), (5, 0, 36), (31, 1, 600)):
        name = f"{size}-{honest}-{blocks}"
        write(corpus / "attachment_blob" / name, bytes([63, size, honest]) + bytes(16 * blocks))


def sealed_files(corpus: Path) -> None:
    """Writes plaintexts around the boundaries of segments, whole, changed, cut and extended."""
    for size in (0, 1, 4_040, 4_041, 8_120, 8_121, 12_201):
        for number, head in enumerate(
            ("010500000000", "010501002000", "010500000001", "0105000000ff")
        ):
            path = corpus / "sealed_file" / f"{size}-{number}"
            write(path, bytes.fromhex(head) + bytes(size))
    write(corpus / "sealed_file" / "header", bytes([0, 1, 0, 0, 0, 0, 40]) + bytes(55))


def olm(corpus: Path) -> None:
    """Writes the recorded messages of Olm, of both types (olm_megolm.md §10)."""
    recorded = json.loads((VECTORS / "olm" / "olm_sessions.json").read_text())
    for number, conversation in enumerate(recorded["transcripts"]):
        for place, step in enumerate(conversation["steps"][:30]):
            text = step["ciphertext"]
            message = base64.b64decode(text + "=" * (-len(text) % 4))
            target = "olm_prekey_message" if step["type"] == 0 else "olm_message"
            write(corpus / target / f"{number}-{place}", message)


def megolm(corpus: Path) -> None:
    """Writes recorded messages and keys of Megolm, and pickles in clear (olm_megolm.md §10)."""
    folder = VECTORS / "olm"
    recorded = json.loads((folder / "megolm.json").read_text())
    for number, session in enumerate(recorded["sessions"]):
        for place, step in enumerate(session["messages"]):
            message = unpadded(step["ciphertext"])
            write(corpus / "megolm_message" / f"{number}-{place}", message)
            event = bytes([32, 5]) + bytes(32) + b"\x05!room\x06DEVICE\x00" + message
            write(corpus / "matrix_envelope" / f"{number}-{place}", event)
        for name in ("session_key", "exported_at_0"):
            write(corpus / "megolm_share" / f"{number}-{name}", unpadded(session[name]))
        if "plain_pickle" in session:
            plain = json.dumps(session["plain_pickle"]).encode()
            write(corpus / "olm_pickle" / f"outbound-{number}", plain)
    pickles = json.loads((folder / "libolm_pickles.json").read_text())
    for kind in ("account", "inbound_group", "outbound_group", "pk_decryption"):
        write(corpus / "olm_pickle" / kind, bytes.fromhex(pickles[kind]["plain_hex"]))
    conversations = json.loads((folder / "olm_sessions.json").read_text())["transcripts"]
    for number, conversation in enumerate(conversations):
        for name in ("bob_account_before", "alice_session_end", "bob_session_end"):
            kept = conversation[name]
            plain = kept.get("plain_json", "").encode() or bytes.fromhex(kept["plain_hex"])
            write(corpus / "olm_pickle" / f"{number}-{name}", plain)


def unpadded(text: str) -> bytes:
    """The bytes of base64 without padding."""
    return base64.b64decode(text + "=" * (-len(text) % 4))


def matrix(corpus: Path) -> None:
    """Writes what a Matrix client reads from people and files (olm_megolm.md §4 to §9)."""
    recorded = json.loads((VECTORS / "olm" / "attachments_exports_ssss.json").read_text())
    written = recorded["secret_storage"]["recovery_key"].encode()
    write(corpus / "matrix_written_key" / "recorded", written)
    for number, each in enumerate(recorded["key_exports"]):
        write(corpus / "matrix_key_export" / f"{number}-text", each["file"].encode())
        lines = "".join(each["file"].splitlines()[1:-1])
        body = bytearray(base64.b64decode(lines + "=" * (-len(lines) % 4)))
        body[33:37] = bytes([0, 0, 0, 1])
        write(corpus / "matrix_key_export" / f"{number}-body", bytes(body))
    code = b"MATRIX\x02\x00\x00\x06$event" + bytes(64) + bytes(range(16))
    write(corpus / "matrix_qr_code" / "made", code)
    write(corpus / "matrix_login" / "made", b"\x09" + bytes(31) + bytes(20))
    write(corpus / "matrix_login" / "text", b"A" * 27 + b"|" + b"CQ" + b"A" * 41)


def mtproto(corpus: Path) -> None:
    """Writes the messages of a recorded secret chat (mtproto_secret_chats.md §11)."""
    recorded = json.loads((VECTORS / "mtproto" / "secret_chat.json").read_text())
    for number, message in enumerate(recorded["messages"]):
        head = bytes.fromhex("8917e31b0f") + bytes(15)
        numbers = [message[name] for name in ("layer", "in_seq_no", "out_seq_no")]
        words = b"".join(value.to_bytes(4, "little") for value in numbers)
        body = head + words + bytes.fromhex(message["tl_message"])
        write(corpus / "tl_message" / str(number), body)
        write(corpus / "mtproto_envelope" / f"{number}-wire", bytes.fromhex(message["wire"]))
        for least in (12, 1_000):
            padding = least + -(4 + len(body) + least) % 16
            data = len(body).to_bytes(4, "little") + body + bytes(padding)
            write(corpus / "mtproto_envelope" / f"{number}-{least}", data)


def write(path: Path, content: bytes) -> None:
    """Writes one seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    groups(Path(sys.argv[1]))
    write_scannable(Path(sys.argv[1]))
    repair(Path(sys.argv[1]))
    beside(Path(sys.argv[1]))
    sealed_files(Path(sys.argv[1]))
    olm(Path(sys.argv[1]))
    megolm(Path(sys.argv[1]))
    matrix(Path(sys.argv[1]))
    mtproto(Path(sys.argv[1]))
