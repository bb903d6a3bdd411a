# SPDX-License-Identifier: MIT OR Apache-2.0
"""The public API has no back door: no chosen randomness, no escrow, no private key that comes out.

Private keys are recognized by the public halves that bundles and envelopes show, so no test needs
to open a store by itself.
"""

import pickle
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest

import e2ee
from e2ee import mtproto, olm, signal
from e2ee.aead import AeadKey
from e2ee.files import FileKey, FilePassphrase
from e2ee.store import StoreSecret
from tests.api import libsignal
from tests.api.secret_chat_pair import begin, group
from tests.operator import curve
from tests.operator.material import bytes_in
from tests.operator.moving import imported
from tests.operator.owner import Shown, of_everything, public_names
from tests.operator.surface import Call, calls, public_classes, stub_calls
from tests.properties import wire
from tests.stores.server import available

FORBIDDEN = re.compile(
    r"nonce|(?<![a-z])ivs?(?![a-z])|random|(?<![a-z])seed|(?<![a-z])rng(?![a-z])|entropy|escrow"
    r"|recovery|ephemeral|salt|deterministic|backdoor|master",
    re.IGNORECASE,
)
#: What Telegram calls so: bytes of its server's, which are mixed with ours and never used alone
#: (`test_the_servers_bytes_choose_nothing`), and public numbers of messages.
NO_CHOICE = {"server_random", "random_id", "random_ids"}
#: Fields of a bundle that hold X25519 keys (docs/formats.md, "Bundle").
BUNDLE_KEYS = (3, 5, 7)
#: Where the keys of a prekey message of Olm end (olm_megolm.md §1.3).
OLM_KEYS_END = 103
#: Errors show their own texts; they have tests of their own.
SHOWING = {name for name in public_classes() if not name.endswith("Error")}


def forbidden_parameters(found: list[Call]) -> Iterator[str]:
    """The parameters through which someone else could choose what only chance may."""
    for call in found:
        for name, _ in call.parameters:
            if name not in NO_CHOICE and FORBIDDEN.search(name):
                yield f"{call.name}({name})"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return of_everything(tmp_path_factory.mktemp("owner"))


def all_bytes(shown: Shown) -> list[bytes]:
    """Everything that is shown, as bytes; bundles and envelopes as they travel."""
    values: list[object] = [
        each.to_bytes() if isinstance(each, e2ee.Envelope | e2ee.PreKeyBundle) else each
        for result in shown.values()
        for each in (result if isinstance(result, list) else [result])
    ]
    return list(bytes_in(values))


def public_halves(material: list[bytes]) -> set[bytes]:
    """Every X25519 public key that bundles and envelopes show."""
    found = set()
    for encoded in material:
        if encoded[:2] in {bytes([1, wire.RATCHET]), bytes([1, wire.PREKEY])}:
            # A sealed record begins with 1 and a random byte: not all that looks so is an envelope.
            with suppress(AssertionError, IndexError, ValueError):
                found.add(wire.header(encoded).ratchet_key[1:])
                found.update(key for key in [wire.base_key(encoded)] if key)
        elif encoded[:3] + encoded[35:37] == b"\x03\x0a\x20\x12\x20":
            found.update(encoded[at : at + 32] for at in range(3, OLM_KEYS_END, 34))
        elif encoded[:2] == b"\x01\x08" and len(encoded) > 1_700:
            bundle = wire.fields(encoded, 1, len(encoded))
            found.update(
                each.value[1:]
                for each in bundle
                if each.number in BUNDLE_KEYS and isinstance(each.value, bytes)
            )
    return found


def test_no_parameter_chooses_randomness_or_gives_keys_away() -> None:
    every = [*calls(), *(Call(name, parameters) for name, parameters in stub_calls())]

    assert list(forbidden_parameters(every)) == []


@pytest.mark.parametrize("name", ["nonce", "iv", "rng", "seed", "random", "escrow_key", "tag_iv"])
def test_a_forbidden_parameter_is_caught(name: str) -> None:
    call = Call("Account.encrypt", (("self", ""), (name, "bytes")))

    assert list(forbidden_parameters([call])) == [f"Account.encrypt({name})"]


def test_the_servers_bytes_choose_nothing() -> None:
    prime, from_server = group(), bytes(256)
    chats = mtproto.SecretChats.create(e2ee.MemoryStore(), "alice")
    others = mtproto.SecretChats.create(e2ee.MemoryStore(), "bob")
    offers = [chats.offer("bob", prime, server_random=from_server) for _ in range(2)]

    answers = [
        others.accept(offer.chat_id, "alice", offers[0].g_a, prime, server_random=from_server)
        for offer in offers
    ]

    assert offers[0].g_a != offers[1].g_a
    assert answers[0].g_b != answers[1].g_b
    assert answers[0].key_fingerprint != answers[1].key_fingerprint


@pytest.mark.parametrize("name", ["given", "receive", "private", "driver"])
def test_other_names_are_not_caught(name: str) -> None:
    assert list(forbidden_parameters([Call("f", ((name, "bytes"),))])) == []


def test_everything_public_is_looked_at(shown: Shown) -> None:
    public = {
        (name, attribute)
        for name, kind in public_classes().items()
        if name in SHOWING
        for attribute in public_names(kind)
    }

    left_out = set() if available() else {pair for pair in public if pair[0] == "PostgresStore"}
    assert {pair for pair in public if pair not in shown} == left_out


def test_nothing_public_shows_a_private_key(shown: Shown) -> None:
    material = all_bytes(shown)
    keys = public_halves(material)

    found = [curve.private_keys_in(each, keys) for each in material]

    assert len(keys) > 10
    assert [each for each in found if each] == []


def test_a_private_key_would_be_found() -> None:
    private = bytes.fromhex("a8abababababababababababababababababababababababababababababab6b")
    keys = {curve.public_key(private)}

    assert curve.private_keys_in(b"before" + private + b"behind", keys) == [private]


def test_the_curve_is_that_of_the_standard() -> None:
    # RFC 7748 §5.2, the result of the first iteration.
    public = "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"

    assert curve.public_key(b"\x09" + bytes(31)).hex() == public


def moved() -> list[object]:
    """What is imported from another program, with its parts that hold secrets."""
    with TemporaryDirectory() as folder:
        found = imported(Path(folder))
    device = found.devices[0]
    return [found, device, device.received[0], device.sent[0]]


def secrets_of_everyone() -> list[object]:
    """An object of every kind that holds secrets."""
    store = e2ee.MemoryStore()
    key = signal.StateKey(bytes(32))
    alice, bob = signal.Device.generate("alice", 1), signal.Device.generate("bob", 1)
    session = signal.Session.initiate(key, alice, e2ee.Address("bob"), bob.bundle())
    account = e2ee.Account.create(store, "alice")
    root = signal.TrustRoot.generate()
    device = olm.Account.generate()
    olm_session = olm.Session.initiate(
        key, device, identity_key=device.identity_key, one_time_key=device.identity_key
    )
    outbound = olm.OutboundGroupSession.create(key)
    pair = begin()
    return [
        account,
        account.create_group(),
        store,
        StoreSecret.from_key(bytes(32)),
        key,
        alice,
        session,
        session.encrypt(b"text"),
        signal.SenderKey.create(key, UUID(int=7)),
        signal.SenderKeys(key, e2ee.Address("bob"), UUID(int=7)),
        root,
        root.server_signer(1),
        libsignal.records(),
        device,
        olm_session,
        olm.Pickles.libolm(b"key"),
        outbound,
        olm.InboundGroupSession.accept(key, outbound.session_key())[0],
        pair.alice,
        pair.chats[0],
        AeadKey.generate(),
        FileKey.generate(),
        FilePassphrase("word"),
        *moved(),
    ]


@pytest.mark.parametrize("holder", secrets_of_everyone(), ids=lambda each: type(each).__name__)
def test_what_holds_secrets_cannot_be_pickled(holder: object) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(holder)
