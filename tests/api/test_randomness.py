# SPDX-License-Identifier: MIT OR Apache-2.0
"""When the system's random source fails, nothing is encrypted."""

import platform
import subprocess
import sys

import pytest

import e2ee
from tests.hygiene.tree import ROOT

#: The number of `getrandom`, which the child makes fail with EIO by a seccomp filter.
SYSCALLS = {"x86_64": 318, "aarch64": 278}

FAILING = """
# Load the number of the call; if it is getrandom, fail with EIO, else allow.
rules = [(0x20, 0, 0, 0), (0x15, 0, 1, int(sys.argv[1])), (6, 0, 0, 0x50005), (6, 0, 0, 0x7FFF0000)]
program = b"".join(struct.pack("HBBI", *rule) for rule in rules)
filter_ = ctypes.create_string_buffer(program)
header = struct.pack("HxxxxxxP", len(rules), ctypes.addressof(filter_))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, header, 0, 0) == 0, ctypes.get_errno()
"""

ACCOUNTS = f"""
import ctypes, struct, sys
import pytest
import e2ee

alice = e2ee.Account.create(e2ee.MemoryStore(), "alice")
bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
alice.connect("bob", bob.bundle())
store = e2ee.MemoryStore(key=bytes(32))

{FAILING}
for call in (lambda: alice.encrypt("bob", b"x"), lambda: e2ee.Account.create(store, "carol")):
    with pytest.raises(e2ee.RandomnessError):
        call()
with store.transaction() as transaction:
    assert transaction.list("") == []
print("refused")
"""

#: What opens a message draws nonces alone, some of which are there already.
CHATS = f"""
import ctypes, struct, sys
import pytest
import e2ee
from e2ee import mtproto
from tests.api.secret_chat_pair import begin, group, text
from tests.properties.world import read_rows

store = e2ee.MemoryStore(key=bytes(32))
pair = begin(store)
offer = pair.chats[1].offer("alice", group())
before, prime = read_rows(store), group()
chats, alice = pair.chats[0], pair.alice
empty = e2ee.MemoryStore(key=bytes(32))
{FAILING}
for call in (
    lambda: alice.encrypt(text(1)),
    lambda: alice.change_key(),
    lambda: alice.delete_messages([1]),
    lambda: chats.offer("bob", prime),
    lambda: chats.accept(offer.chat_id, "bob", offer.g_a, prime),
    lambda: mtproto.SecretChats.create(empty, "carol"),
):
    with pytest.raises(e2ee.RandomnessError):
        call()
assert read_rows(store) == before
assert read_rows(empty) == {{}}
print("refused")
"""


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in SYSCALLS,
    reason="only on Linux can a process take its own random source away",
)
@pytest.mark.parametrize("child", [ACCOUNTS, CHATS], ids=["accounts", "secret chats"])
def test_nothing_is_made_without_randomness(child: str) -> None:
    number = str(SYSCALLS[platform.machine()])

    done = subprocess.run(
        [sys.executable, "-c", child, number],
        capture_output=True,
        cwd=ROOT,
        text=True,
        check=False,
    )

    assert done.stdout == "refused\n", done.stderr
    assert issubclass(e2ee.RandomnessError, e2ee.E2EEError)
