# SPDX-License-Identifier: MIT OR Apache-2.0
"""All that a server, a directory and a thief of files can hold of two conversations, without keys.

One conversation is kept in stores, the other one without (`e2ee.signal`). In both there are
messages that were read, messages under way, and, in the stores, messages that wait to be handled.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import e2ee
from e2ee import signal
from tests.operator.beside import seize_beside
from tests.operator.chats import seize_chats
from tests.operator.files import seize_files
from tests.operator.matrix import seize_matrix
from tests.operator.megolm import seize_megolm
from tests.operator.olm import seize_olm
from tests.properties.world import Rows, read_rows

PEOPLE = ("alice", "bob")
GROUP = UUID(int=7)


@dataclass(frozen=True, slots=True)
class Sent:
    """An envelope, or a message without one, as the carrier saw it."""

    sender: str
    recipient: str
    kind: int
    encoded: bytes


@dataclass(slots=True)
class Seized:
    """What was taken; and what none of it may reveal."""

    bundles: dict[str, list[bytes]] = field(default_factory=dict)
    envelopes: list[Sent] = field(default_factory=list)
    rows: dict[str, Rows] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    messages: list[Sent] = field(default_factory=list)
    chains: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    devices: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    sessions: dict[str, tuple[str, list[tuple[int, bytes]]]] = field(default_factory=dict)
    #: Envelopes that hide who sent them, and what a server issues and keeps for that.
    sealed: list[bytes] = field(default_factory=list)
    certificates: list[bytes] = field(default_factory=list)
    roots: list[tuple[int, bytes]] = field(default_factory=list)
    signers: list[tuple[int, bytes]] = field(default_factory=list)
    #: An attachment, a link, a single message, and sealed keys.
    beside: dict[str, bytes] = field(default_factory=dict)
    #: A sealed account and a sealed session of Olm; the messages are beside.
    olm: tuple[tuple[int, bytes], tuple[str, list[tuple[int, bytes]]]] = (0, b""), ("", [])
    #: The id of a group session of Megolm, and its sealed states; the messages are beside.
    megolm: tuple[bytes, dict[str, tuple[int, bytes]]] = field(default_factory=lambda: (b"", {}))
    #: The same as libolm and vodozemac keep it.
    pickles: list[str] = field(default_factory=list)
    #: Every plaintext; each is found by its random part.
    plaintexts: list[bytes] = field(default_factory=list)
    #: Not seized: the keys of the stores and of the sealed states.
    keys: dict[str, bytes] = field(default_factory=dict)

    def text(self) -> bytes:
        """A plaintext that stands nowhere else."""
        self.plaintexts.append(secrets.token_bytes(24))
        return self.plaintexts[-1]

    def every_byte(self) -> list[bytes]:
        """All that was taken, as bytes."""
        rows = [sealed for rows in self.rows.values() for _, sealed in rows.values()]
        parts = [part for _, three in self.sessions.values() for _, part in three]
        files = [
            found.read_bytes()
            for path in self.files.values()
            for found in sorted(path.parent.glob(f"{path.name}*"))
        ]
        return [
            *(bundle for bundles in self.bundles.values() for bundle in bundles),
            *(sent.encoded for sent in self.envelopes + self.messages),
            *self.sealed,
            *self.certificates,
            *self.beside.values(),
            *(sealed for _, sealed in [*self.roots, *self.signers]),
            *(sealed for _, sealed in self.devices.values()),
            *(sealed for _, sealed in self.chains.values()),
            *rows,
            *parts,
            self.olm[0][1],
            *(part for _, part in self.olm[1][1]),
            self.megolm[0],
            *(part for _, part in self.megolm[1].values()),
            *(text.encode() for text in self.pickles),
            *files,
        ]


def seize(folder: Path) -> Seized:
    """Lets both conversations happen, and takes everything but the keys."""
    seized = Seized()
    in_stores(seized, folder)
    without_stores(seized)
    seize_beside(seized)
    seize_chats(seized)
    seize_olm(seized)
    seize_megolm(seized)
    seize_files(seized)
    seize_matrix(seized)
    return seized


def in_stores(seized: Seized, folder: Path) -> None:
    """A conversation over SQLite files: read, waiting and under way."""
    stores = {}
    for name in PEOPLE:
        seized.files[name], seized.keys[name] = folder / name, secrets.token_bytes(32)
        stores[name] = e2ee.SQLiteStore(seized.files[name], key=seized.keys[name])
    alice, bob = (e2ee.Account.create(stores[name], name) for name in PEOPLE)
    for account in (alice, bob):
        bundles = [account.bundle(), account.bundle(reusable=True)]
        seized.bundles[account.user] = [bundle.to_bytes() for bundle in bundles]

    def send(sender: e2ee.Account, recipient: e2ee.Account) -> bytes:
        encoded = sender.encrypt(recipient.user, seized.text()).to_bytes()
        seized.envelopes.append(Sent(sender.user, recipient.user, encoded[1], encoded))
        return encoded

    alice.connect("bob", seized.bundles["bob"][0])
    for _ in range(3):
        bob.decrypt("alice", send(alice, bob))
        alice.decrypt("bob", send(bob, alice))
    for sender, recipient in ((alice, bob), (bob, alice)):
        with recipient.receive(sender.user, send(sender, recipient)):
            pass
        interrupted(recipient, sender.user, send(sender, recipient))
        send(sender, recipient)
    in_a_group(seized, alice, bob)
    under_seal(seized, (alice, bob))
    for name in PEOPLE:
        seized.rows[name] = read_rows(stores[name])
        stores[name].close()


def in_a_group(seized: Seized, alice: e2ee.Account, bob: e2ee.Account) -> None:
    """A group: an invitation, and messages read, waiting and under way."""
    club = alice.create_group(["bob"])
    sent = [envelope.to_bytes() for _, envelope in club.invitations()]
    sent += [club.encrypt(seized.text()).to_bytes() for _ in range(3)]
    seized.envelopes += [Sent("alice", "bob", encoded[1], encoded) for encoded in sent]
    for encoded in sent[:2]:
        bob.decrypt("alice", encoded)
    interrupted(bob, "alice", sent[2])


def under_seal(seized: Seized, people: tuple[e2ee.Account, e2ee.Account]) -> None:
    """Sealed messages, read and under way, and the certificates' keys in their sealed form."""
    key = signal.StateKey(secrets.token_bytes(32))
    root = signal.TrustRoot.generate()
    signer = root.server_signer(1)
    seized.roots.append(root.seal(key))
    seized.signers.append(signer.seal(key))
    expires = datetime.now(UTC) + timedelta(days=1)
    for sender, recipient in (people, people[::-1]):
        certificate = signer.issue(sender.user, int(sender.device), sender.identity_key, expires)
        seized.certificates.append(certificate.to_bytes())
        for read in (True, False):
            envelope = sender.encrypt_sealed(recipient.user, seized.text(), certificate)
            seized.sealed.append(envelope.to_bytes())
            if read:
                recipient.decrypt_sealed(envelope, trust_roots=[root.public_key])


def interrupted(recipient: e2ee.Account, sender: str, envelope: bytes) -> None:
    """Receives a message and does not come to handle it."""
    with suppress(InterruptedError), recipient.receive(sender, envelope):
        raise InterruptedError
    assert recipient.inbox()


def without_stores(seized: Seized) -> None:
    """A conversation whose states are sealed by the people themselves."""
    seized.keys["signal"] = secrets.token_bytes(32)
    key = signal.StateKey(seized.keys["signal"])
    alice, bob = (signal.Device.generate(name, 1) for name in PEOPLE)
    seized.bundles["bob"].append(bob.bundle())
    sending = signal.Session.initiate(key, alice, e2ee.Address("bob"), bob.bundle())

    def sent(sender: str, recipient: str, step: signal.SessionStep) -> Sent:
        assert step.kind is not None
        seized.messages.append(Sent(sender, recipient, step.kind, step.release()))
        return seized.messages[-1]

    first = sent("alice", "bob", sending.encrypt(seized.text()))
    receiving, step = signal.Session.accept(key, bob, e2ee.Address("alice"), first.encoded)
    stored = dict(step.writes)
    step.release()
    answer = receiving.encrypt(seized.text())
    stored.update(answer.writes)
    sending.decrypt(2, sent("bob", "alice", answer).encoded).release()
    sent("alice", "bob", sending.encrypt(seized.text()))
    seized.sessions["bob"] = (receiving.name, in_order(stored))
    own = signal.SenderKey.create(key, GROUP)
    chains = signal.SenderKeys(key, e2ee.Address("alice"), GROUP)
    accepted = chains.accept(own.distribution())
    seized.chains.update(accepted.writes)
    accepted.release()
    for name, device in (("alice", alice), ("bob", bob)):
        seized.devices[name] = device.seal(key)
    to_all = own.encrypt(seized.text())
    seized.chains.update(to_all.writes)
    sent("alice", "bob", to_all)
    sent("alice", "bob", own.encrypt(seized.text()))


def in_order(parts: dict[str, tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """The three parts of a session as `Session.load` takes them."""
    return [parts[name] for name in ("head", "objects", "skipped")]
