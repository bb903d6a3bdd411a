# SPDX-License-Identifier: MIT OR Apache-2.0
"""The drop-ins for clients of Telegram: what the packages compute, and the errors they raise."""

from __future__ import annotations

import array
import inspect
import json
import mmap
import re
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2ee.compat import cryptg, tgcrypto

if TYPE_CHECKING:
    from collections.abc import Callable

SET = Path(__file__).parents[1] / "vectors" / "mtproto" / "aes_modes.json"
VECTORS = json.loads(SET.read_text(encoding="utf-8"))
KEY, IV, BLOCK_IV = bytes(range(32)), bytes(range(32, 64)), bytes(range(16))
#: Longer than a piece in which a buffer is changed, and than what the interpreter is held for.
LARGE = 3 * 256 * 1_024 + 48
MODULES = {"tgcrypto": tgcrypto, "cryptg": cryptg}
#: What the packages do and we do not: a panic is no error that a program can handle.
DEFECTS = {"cryptg.decrypt_ige(data=15)": (ValueError, "len(cipher) % 16 != 0")}


def made(bits: str) -> tuple[list[Any], Callable[..., bytes]]:
    """The arguments and the function of a call in the table of errors."""
    name, function, change = re.fullmatch(r"(\w+)\.(\w+)\((.*)\)", bits).groups()  # type: ignore[union-attr] # all of them match
    arguments: dict[str, Any] = {"data": bytes(16), "key": KEY, "iv": IV}
    if function.startswith(("ctr", "cbc")):
        arguments["iv"] = bytearray(16)
    if function.startswith("ctr"):
        arguments["state"] = bytearray(1)
    if found := re.fullmatch(r"state=(\d+)", change):
        arguments["state"] = bytearray([int(found[1])])
    elif found := re.fullmatch(r"(\w+)(?:=| len )(\d+)", change):
        arguments[found[1]] = bytes(int(found[2]))
    else:
        kind, field = change.split()
        kinds: dict[str, Callable[[bytes], object]] = {
            "bytearray": bytearray,
            "memoryview": memoryview,
            "str": lambda _: "x" * 16,
        }
        arguments[field] = kinds[kind](bytes(16))
    return list(arguments.values()), getattr(MODULES[name], function)


@pytest.mark.parametrize("case", VECTORS["errors"], ids=lambda case: case["call"])
def test_a_call_of_the_table_ends_as_in_the_package(case: dict[str, Any]) -> None:
    arguments, function = made(case["call"])

    if case.get("ok"):
        assert len(function(*arguments)) == case["len"]
        return
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the type is compared below
        function(*arguments)

    theirs = ({"ValueError": ValueError, "TypeError": TypeError}.get(case["exception"]),)
    kind, text = DEFECTS.get(case["call"], (*theirs, case["message"]))
    assert (type(caught.value), str(caught.value)) == (kind, text)


def test_the_table_of_errors_is_whole() -> None:
    calls = [case["call"] for case in VECTORS["errors"]]

    assert len(calls) == len(set(calls)) == 23
    assert set(DEFECTS) < set(calls)


@pytest.mark.parametrize("case", VECTORS["ige"], ids=lambda case: f"{len(case['key'])}")
def test_ige_is_that_of_the_packages(case: dict[str, str]) -> None:
    key, iv, plain, sealed = (
        bytes.fromhex(case[name]) for name in ("key", "iv", "plaintext", "ciphertext")
    )
    buffer = bytearray(plain)
    tgcrypto.ige256_encrypt_in_place(buffer, key, iv)

    assert tgcrypto.ige256_encrypt(plain, key, iv) == sealed == cryptg.encrypt_ige(plain, key, iv)
    assert tgcrypto.ige256_decrypt(sealed, key, iv) == plain == cryptg.decrypt_ige(sealed, key, iv)
    assert buffer == sealed


@pytest.mark.parametrize("case", VECTORS["ctr"], ids=lambda case: f"{len(case['data']) // 2}")
def test_ctr_is_that_of_the_package_and_updates_what_it_is_given(case: dict[str, Any]) -> None:
    iv, state = bytearray.fromhex(case["iv"]), bytearray([case["state"]])
    key, data = bytes.fromhex(case["key"]), bytes.fromhex(case["data"])

    out = tgcrypto.ctr256_encrypt(data, key, iv, state)

    assert (out.hex(), iv.hex()) == (case["out"], case["iv_after"])
    assert state == bytes([case["state_after"]])


@pytest.mark.parametrize("case", VECTORS["cbc"], ids=lambda case: f"{len(case['plaintext']) // 2}")
def test_cbc_is_that_of_the_package_and_updates_the_iv(case: dict[str, str]) -> None:
    sealing, opening = (bytearray.fromhex(case["iv"]) for _ in range(2))
    key, plain = bytes.fromhex(case["key"]), bytes.fromhex(case["plaintext"])

    sealed = tgcrypto.cbc256_encrypt(plain, key, sealing)

    assert (sealed.hex(), sealing.hex()) == (case["ciphertext"], case["iv_after"])
    assert tgcrypto.cbc256_decrypt(sealed, key, opening) == plain
    assert opening.hex() == case["iv_after"]


@pytest.mark.parametrize("case", VECTORS["factorize_pq_pair"], ids=lambda case: str(case["pq"]))
def test_products_are_factored_as_by_the_package_small_ones_too(case: dict[str, int]) -> None:
    assert cryptg.factorize_pq_pair(case["pq"]) == (case["p"], case["q"])


@pytest.mark.parametrize("number", [0, 1, 2, 13, 2**61 - 1, 2**64 - 59])
def test_a_number_without_factors_is_a_value_error(number: int) -> None:
    with pytest.raises(ValueError, match="pq has no two factors"):
        cryptg.factorize_pq_pair(number)


@pytest.mark.parametrize("number", [-1, 2**64])
def test_a_number_of_more_than_64_bits_is_an_overflow(number: int) -> None:
    with pytest.raises(OverflowError):
        cryptg.factorize_pq_pair(number)


def test_immutable_iv_and_state_are_left_as_they_are() -> None:
    iv, state, sealed_iv = bytes(16), bytes(1), bytes(16)

    tgcrypto.ctr256_encrypt(bytes(21), KEY, iv, state)
    tgcrypto.cbc256_encrypt(bytes(32), KEY, sealed_iv)
    tgcrypto.ctr256_encrypt(bytes(21), KEY, memoryview(iv), memoryview(state))

    assert (iv, state, sealed_iv) == (bytes(16), bytes(1), bytes(16))


def test_an_error_changes_nothing() -> None:
    iv, state, buffer = bytearray(16), bytearray([15]), bytearray(33)

    for function in (tgcrypto.cbc256_encrypt_in_place, tgcrypto.cbc256_decrypt_in_place):
        with pytest.raises(ValueError, match="multiple of 16"):
            function(buffer, KEY, iv)
    with pytest.raises(ValueError, match="Key size"):
        tgcrypto.ctr256_encrypt_in_place(buffer, KEY[1:], iv, state)

    assert (iv, state, buffer) == (bytearray(16), bytearray([15]), bytearray(33))


def test_cryptg_fills_up_with_random_bytes() -> None:
    sealed = {cryptg.encrypt_ige(b"x" * 17, KEY, IV) for _ in range(4)}
    opened = {cryptg.decrypt_ige(each, KEY, IV) for each in sealed}

    assert len(sealed) == 4
    assert {each[:17] for each in opened} == {b"x" * 17}
    assert {len(each) for each in opened} == {32}


def test_cryptg_takes_its_arguments_by_name() -> None:
    sealed = cryptg.encrypt_ige(plain=bytes(16), key=KEY, iv=IV)

    assert cryptg.decrypt_ige(cipher=sealed, key=KEY, iv=IV) == bytes(16)
    assert cryptg.factorize_pq_pair(pq=15) == (3, 5)


def test_tgcrypto_takes_its_arguments_by_position_only() -> None:
    with pytest.raises(TypeError):
        tgcrypto.ige256_encrypt(data=bytes(16), key=KEY, iv=IV)  # type: ignore[call-arg] # that is refused


@pytest.mark.parametrize("number", [0, 2, 5])
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("ige256_encrypt", 3),
        ("ige256_decrypt", 3),
        ("ctr256_encrypt", 4),
        ("ctr256_decrypt", 4),
        ("cbc256_encrypt", 3),
        ("cbc256_decrypt", 3),
    ],
)
def test_another_number_of_arguments_is_told_as_by_the_package(
    name: str, wanted: int, number: int
) -> None:
    expected = f"function takes exactly {wanted} arguments \\({number} given\\)"

    with pytest.raises(TypeError, match=expected):
        getattr(tgcrypto, name)(*[bytes(16)] * number)


@pytest.mark.parametrize(
    "data",
    [
        bytearray(32),
        memoryview(bytearray(64))[16:48],
        memoryview(array.array("I", range(8))),
        array.array("b", bytes(32)),
        memoryview(bytes(32)).cast("B", (2, 16)),
    ],
    ids=["bytearray", "part", "numbers", "signed", "two dimensions"],
)
def test_any_buffer_in_one_piece_is_taken(data: Any) -> None:  # noqa: ANN401 (any buffer)
    expected = tgcrypto.ige256_encrypt(bytes(memoryview(data)), KEY, IV)

    assert tgcrypto.ige256_encrypt(data, KEY, IV) == expected


def test_buffers_in_several_pieces_are_refused() -> None:
    apart = memoryview(bytearray(64))[::2]

    for call in (
        lambda: tgcrypto.ige256_encrypt(apart, KEY, IV),
        lambda: tgcrypto.ige256_encrypt_in_place(apart, KEY, IV),
        lambda: tgcrypto.ctr256_encrypt(bytes(1), KEY, apart[:16], bytearray(1)),
    ):
        with pytest.raises(BufferError, match="not C-contiguous"):
            call()
    assert apart.tobytes() == bytes(32)


@pytest.mark.parametrize("buffer", [bytes(16), memoryview(bytes(16))], ids=["bytes", "view"])
def test_what_cannot_be_written_is_not_changed_in_place(buffer: bytes) -> None:
    with pytest.raises(TypeError, match="read-write bytes-like object is required, not '"):
        tgcrypto.ige256_encrypt_in_place(buffer, KEY, IV)
    assert bytes(buffer) == bytes(16)


@pytest.mark.parametrize("length", [16, 65_536, LARGE - 16, LARGE])
def test_in_place_is_the_same_as_into_new_bytes(length: int) -> None:
    data = bytes(at * at % 251 for at in range(length))
    pairs: list[tuple[Callable[..., bytes], Callable[..., None], tuple[bytes, ...]]] = [
        (tgcrypto.ige256_encrypt, tgcrypto.ige256_encrypt_in_place, (KEY, IV)),
        (tgcrypto.ige256_decrypt, tgcrypto.ige256_decrypt_in_place, (KEY, IV)),
        (tgcrypto.cbc256_encrypt, tgcrypto.cbc256_encrypt_in_place, (KEY, BLOCK_IV)),
        (tgcrypto.cbc256_decrypt, tgcrypto.cbc256_decrypt_in_place, (KEY, BLOCK_IV)),
        (tgcrypto.ctr256_encrypt, tgcrypto.ctr256_encrypt_in_place, (KEY, BLOCK_IV, b"\x05")),
    ]

    for function, in_place, arguments in pairs:
        buffer, outer = bytearray(data), bytearray(b"<" + data + b">")
        in_place(buffer, *arguments)
        in_place(memoryview(outer)[1:-1], *arguments)
        assert buffer == function(data, *arguments)
        assert outer == b"<" + buffer + b">"


def test_a_map_of_a_file_is_changed_in_place(tmp_path: Path) -> None:
    file = tmp_path / "part"
    file.write_bytes(bytes(LARGE))

    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as mapped:
        tgcrypto.ige256_encrypt_in_place(mapped, KEY, IV)

    assert file.read_bytes() == tgcrypto.ige256_encrypt(bytes(LARGE), KEY, IV)


@given(
    st.lists(st.integers(min_value=1, max_value=60), min_size=1, max_size=6),
    st.binary(min_size=64, max_size=64),
    st.binary(min_size=360, max_size=360),
    st.integers(0, 15),
)
def test_a_ctr_stream_in_pieces_is_the_whole(
    lengths: list[int], secrets: bytes, data: bytes, used: int
) -> None:
    key, first = secrets[:32], secrets[32:48]
    iv, state = bytearray(first), bytearray([used])
    out, done = b"", 0
    for length in lengths:
        out += tgcrypto.ctr256_encrypt(data[done : done + length], key, iv, state)
        done += length

    whole_iv, whole_state = bytearray(first), bytearray([used])
    assert out == tgcrypto.ctr256_encrypt(data[:done], key, whole_iv, whole_state)
    assert (iv, state) == (whole_iv, whole_state)
    assert tgcrypto.ctr256_decrypt(out, key, first, bytes([used])) == data[:done]


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.binary(min_size=48, max_size=48))
def test_a_cbc_stream_in_pieces_is_the_whole(counts: list[int], secrets: bytes) -> None:
    key, first = secrets[:32], secrets[32:]
    data = bytes(range(256)) * 8
    pieces = [data[: 16 * count] for count in counts]
    sealing, opening = bytearray(first), bytearray(first)

    sealed = [tgcrypto.cbc256_encrypt(piece, key, sealing) for piece in pieces]

    assert b"".join(sealed) == tgcrypto.cbc256_encrypt(b"".join(pieces), key, first)
    assert [tgcrypto.cbc256_decrypt(each, key, opening) for each in sealed] == pieces
    assert sealing == opening == sealed[-1][-16:]


def test_a_buffer_cannot_be_resized_while_it_is_changed() -> None:
    buffer = bytearray(64 * 1_024 * 1_024)
    refused: list[bool] = []
    started = threading.Event()

    def resize() -> None:
        started.set()
        while not refused and worker.is_alive():
            try:
                buffer.append(0)
                buffer.pop()
            except BufferError:
                refused.append(True)

    worker = threading.Thread(
        target=tgcrypto.ige256_encrypt_in_place, args=(buffer, KEY, IV), daemon=True
    )
    worker.start()
    resize()
    worker.join()

    assert refused
    assert len(buffer) == 64 * 1_024 * 1_024


@pytest.mark.parametrize("in_place", [False, True], ids=["into new bytes", "in place"])
def test_other_threads_run_while_a_large_input_is_worked_on(in_place: bool) -> None:  # noqa: FBT001 (a case)
    interval = sys.getswitchinterval()
    # So long that the interpreter never takes the lock away by itself.
    sys.setswitchinterval(60)
    steps, during = [0], []
    done = threading.Event()

    def count() -> None:
        while not done.wait(0.0005):
            steps[0] += 1

    data = bytearray(32 * 1_024 * 1_024)
    counter = threading.Thread(target=count)
    try:
        counter.start()
        before = steps[0]
        if in_place:
            tgcrypto.ige256_encrypt_in_place(data, KEY, IV)
        else:
            tgcrypto.ige256_encrypt(bytes(data), KEY, IV)
        during.append(steps[0] - before)
    finally:
        done.set()
        counter.join()
        sys.setswitchinterval(interval)

    assert during[0] > 3


def test_threads_that_share_a_key_do_not_disturb_each_other() -> None:
    expected = tgcrypto.ige256_encrypt(bytes(LARGE), KEY, IV)
    found: list[bytes] = []

    def work() -> None:
        found.extend(tgcrypto.ige256_encrypt(bytes(LARGE), KEY, IV) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [expected] * 20


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module in MODULES.values() for name in module.__all__],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_a_name_says_what_it_is_and_cites_its_source(module: object, name: str) -> None:
    text = inspect.getdoc(getattr(module, name)) or ""

    assert re.match(r"[A-Z].*[.:]$", text.splitlines()[0])
    assert "mtproto_secret_chats.md §" in text
