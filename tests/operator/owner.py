# SPDX-License-Identifier: MIT OR Apache-2.0
"""All that the owner of an account is shown by its public attributes and methods."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from uuid import UUID

import e2ee
from e2ee import signal
from e2ee.store import Scope, StoreSecret, backup, examine, restore
from tests.api import libsignal
from tests.operator.beside import of_beside
from tests.operator.copies import of_anchors
from tests.operator.files import of_files
from tests.operator.moving import of_moving
from tests.operator.protocols import of_protocols
from tests.properties import wire
from tests.stores.kinds import application, in_a_database
from tests.stores.lent import DatabaseApplication
from tests.stores.server import available

KEY = bytes(range(32))
PEER = e2ee.Address("bob")
VECTORS = Path(__file__).parent.parent / "vectors" / "signal"

#: Methods that want something, and the one that only envelopes of Olm have.
TAKES_MORE = {"from_bytes", "from_scannable", "compare", "assemble", "from_matrix", "to_matrix"}
#: What a public attribute or method shows, by class and name.
Shown = dict[tuple[str, str], object]


def of_values(bob: e2ee.Account, alice: e2ee.Account) -> Shown:
    """The values: each attribute and method."""
    envelope, bundle = alice.encrypt("bob", b"value"), bob.bundle()
    number, (contact,) = alice.safety_number("bob"), alice.contacts()
    with bob.receive("alice", envelope) as message:
        pass
    report = of_import()
    alice.queue("bob", b"text")
    (outgoing,) = alice.outbox()
    found: Shown = {}
    upload = bob.prekeys()
    keys = (upload, upload.one_time[0], upload.signed)
    reports = (report, report.rows[-1], e2ee.build())
    for value in (envelope, bundle, number, contact, message, outgoing, PEER, *keys, *reports):
        for name in public_names(type(value)):
            attribute = getattr(value, name)
            takes_more = name in TAKES_MORE
            shown = attribute() if callable(attribute) and not takes_more else attribute
            found[type(value).__name__, name] = (
                attribute(value.to_bytes()).to_bytes()
                if name == "from_bytes" and isinstance(value, e2ee.Envelope | e2ee.PreKeyBundle)
                else shown
            )
    return found


def of_accounts(store: e2ee.SQLiteStore) -> Shown:
    """An account: each attribute and method, with what it returns."""
    alice, bob = e2ee.Account.create(store, "alice"), other("bob")
    alice.connect("bob", bob.bundle())
    bob.decrypt("alice", alice.encrypt("bob", b"Hello."))
    number = alice.safety_number("bob")
    to_alice = [bob.encrypt("alice", b"text %d" % index) for index in range(2)]
    with alice.receive("bob", to_alice[0]) as message:
        received = [message, alice.inbox()]
    root = signal.TrustRoot.generate()
    signer = root.server_signer(1)
    roots, certificate = [root.public_key], issued(signer, bob)
    sealed = [bob.encrypt_sealed("alice", b"text", certificate) for _ in range(2)]
    with alice.receive_sealed(sealed[0], trust_roots=roots) as message:
        unsealed = [message, alice.inbox()]
    calls: dict[str, object] = {
        "user": alice.user,
        "protocol": alice.protocol,
        "device": alice.device,
        "address": alice.address,
        "identity_key": alice.identity_key,
        "bundle": [alice.bundle(), alice.bundle(reusable=True)],
        "encrypt": alice.encrypt("bob", b"text"),
        "decrypt": alice.decrypt("bob", to_alice[1]),
        "receive": received,
        "encrypt_sealed": alice.encrypt_sealed("bob", b"text", issued(signer, alice)),
        "decrypt_sealed": alice.decrypt_sealed(sealed[1], trust_roots=roots),
        "receive_sealed": unsealed,
        "inbox": alice.inbox(),
        "contacts": alice.contacts(),
        "safety_number": number,
        "open": repr(e2ee.Account.open(store)),
        "create": repr(alice),
        "import_records": of_import(),
    }
    club = alice.create_group(["bob"])
    calls |= {"create_group": repr(club), "group": repr(alice.group(club.id))}
    calls |= {"groups": alice.groups()}
    calls |= {"prekeys": alice.prekeys(), "refresh_prekeys": alice.refresh_prekeys(0)}
    calls |= {"repair": bob.repair("alice", alice.encrypt("bob", b"lost"), 1)}
    alice.reset("bob")
    calls |= {"reset": None, "rekey": alice.rekey(key=bytes(32))}
    alice.connect("bob", bob.bundle())
    calls |= of_many(alice, bob)
    alice.verify("bob", number)
    alice.accept_identity("bob", bob.bundle())
    alice.forget("bob")
    calls |= dict.fromkeys(["connect", "handled", "verify", "accept_identity", "forget"])
    return {("Account", name): shown for name, shown in calls.items()} | of_values(*heard())


def of_many(alice: e2ee.Account, bob: e2ee.Account) -> dict[str, object]:
    """What works on many messages, and what waits for a carrier."""
    bob.connect("alice", alice.bundle())
    to_alice = [("bob", bob.encrypt("alice", b"text %d" % index)) for index in range(3)]
    calls: dict[str, object] = {
        "encrypt_many": alice.encrypt_many([("bob", b"text")] * 2),
        "queue": alice.queue("bob", b"text"),
        "queue_many": alice.queue_many([("bob", b"text")]),
        "outbox": alice.outbox(),
        "decrypt_many": alice.decrypt_many(to_alice[:2]),
        "receive_many": alice.receive_many(to_alice),
    }
    for outgoing in alice.outbox():
        alice.sent(outgoing)
    for message in alice.inbox():
        alice.handled(message)
    return calls | {"sent": None}


def of_groups() -> Shown:
    """A group: each attribute and method, with what it returns."""
    _, alice = heard()
    club = e2ee.Group.create(alice, ["bob"])
    shown: dict[str, object] = {
        "create": repr(club),
        "id": str(club.id).encode(),
        "members": club.members,
        "pending": club.pending,
        "invitations": [envelope for _, envelope in club.invitations()],
        "encrypt": club.encrypt(b"text"),
    }
    signer = signal.TrustRoot.generate().server_signer(1)
    shown["encrypt_sealed"] = club.encrypt_sealed(b"text", issued(signer, alice))
    club.add("carol")
    club.remove("carol")
    club.reinvite("bob")
    club.rotate()
    club.leave()
    shown |= dict.fromkeys(["add", "remove", "reinvite", "rotate", "leave"])
    return {("Group", name): result for name, result in shown.items()}


def of_sessions() -> Shown:
    """The store-free classes: each attribute and method, with what it returns."""
    key = signal.StateKey(KEY)
    alice, bob = signal.Device.generate("alice", 1), signal.Device.generate("bob", 1)
    bundles = [bob.bundle(), bob.bundle(reusable=True)]
    sending = signal.Session.initiate(key, alice, PEER, bundles[0])
    step = sending.encrypt(b"first")
    writes, kind, first = step.writes, step.kind, step.release()
    receiving, accepted = signal.Session.accept(key, bob, e2ee.Address("alice"), first)
    rows = accepted.writes
    text = accepted.release()
    answer = receiving.encrypt(b"answer")
    more, message = answer.writes, answer.release()
    opened = sending.decrypt(wire.RATCHET, message)
    answered = opened.release()
    records = [writes[part] for part in ("head", "objects", "skipped")]
    loaded = signal.Session.load(key, alice, PEER, (sending.name, records))
    sealed = bob.seal(key)
    calls: dict[tuple[str, str], object] = {
        ("Device", "generate"): repr(alice),
        ("Device", "identity_key"): alice.identity_key,
        ("Device", "bundle"): bundles,
        ("Device", "seal"): sealed,
        ("Device", "load"): repr(signal.Device.load(key, *sealed)),
        ("Session", "initiate"): repr(sending),
        ("Session", "accept"): repr(receiving),
        ("Session", "load"): repr(loaded),
        ("Session", "name"): sending.name,
        ("Session", "their_identity_key"): sending.their_identity_key,
        ("Session", "pq_progress"): repr(sending.pq_progress),
        ("Session", "encrypt"): [first, message],
        ("Session", "decrypt"): repr(opened),
        ("SessionStep", "writes"): [writes, rows, more, opened.writes],
        ("SessionStep", "kind"): kind,
        ("SessionStep", "release"): [text, answered],
    }
    return calls | of_steps_of_many(sending, receiving)


def of_steps_of_many(sending: signal.Session, receiving: signal.Session) -> Shown:
    """What is done with many messages at once: each attribute and method, with what it returns."""
    backlog = sending.decrypt_many([(wire.RATCHET, receiving.encrypt(b"late").release())])
    spread = signal.encrypt_many([(receiving, b"more")])
    rows = [sealed for *_, sealed in spread.writes]
    sent = [each[1] for each in spread.release() if isinstance(each, tuple)]
    return {
        ("Session", "decrypt_many"): repr(backlog),
        ("BacklogStep", "writes"): backlog.writes,
        ("BacklogStep", "release"): backlog.release(),
        ("SpreadStep", "writes"): rows,
        ("SpreadStep", "release"): sent,
    }


def of_sender_keys() -> Shown:
    """The store-free sender keys: each attribute and method, with what it returns."""
    key, group = signal.StateKey(KEY), UUID(int=7)
    own, received = signal.SenderKey.create(key, group), signal.SenderKeys(key, PEER, group)
    distribution = own.distribution()
    accepted = received.accept(distribution)
    rows = accepted.writes
    accepted.release()
    sent = own.encrypt(b"text")
    writes, message = sent.writes, sent.release()
    opened = received.decrypt(message)
    opened_rows = [opened.writes, opened.release()]
    loaded = [
        repr(signal.SenderKey.load(key, group, writes["sending"])),
        repr(signal.SenderKeys.load(key, PEER, group, [rows["head"], rows["skipped"]])),
    ]
    backlog = received.decrypt_many([own.encrypt(b"late").release()])
    return {
        ("SenderKeys", "decrypt_many"): [backlog.writes, backlog.release()],
        ("SenderKey", "create"): repr(own),
        ("SenderKey", "load"): loaded[0],
        ("SenderKey", "distribution"): distribution,
        ("SenderKey", "encrypt"): [writes, message],
        ("SenderKeys", "accept"): rows,
        ("SenderKeys", "load"): loaded[1],
        ("SenderKeys", "decrypt"): opened_rows,
    }


def of_certificates() -> Shown:
    """What operators and servers use: each attribute and method, with what it returns."""
    key = signal.StateKey(KEY)
    root = signal.TrustRoot.generate()
    signer = root.server_signer(1)
    roots, signers = root.seal(key), signer.seal(key)
    certificate = issued(signer, other("carol"))
    recorded = json.loads((VECTORS / "sealed_sender.json").read_text())["v2"]["sent_message"]
    recipient = signal.fan_out(bytes.fromhex(recorded))[0]
    values: Shown = {
        (type(value).__name__, name): getattr(value, name)
        for value in (certificate, recipient)
        for name in public_names(type(value))
    }
    return values | {
        ("SenderCertificate", "from_bytes"): certificate,
        ("SenderCertificate", "to_bytes"): certificate.to_bytes(),
        ("TrustRoot", "generate"): repr(root),
        ("TrustRoot", "load"): repr(signal.TrustRoot.load(key, *roots)),
        ("TrustRoot", "public_key"): root.public_key,
        ("TrustRoot", "server_signer"): repr(signer),
        ("TrustRoot", "seal"): roots,
        ("ServerSigner", "load"): repr(signal.ServerSigner.load(key, *signers)),
        ("ServerSigner", "certificate"): signer.certificate,
        ("ServerSigner", "issue"): [certificate.to_bytes(), repr(certificate)],
        ("ServerSigner", "seal"): signers,
    }


def issued(signer: signal.ServerSigner, account: e2ee.Account) -> signal.SenderCertificate:
    """A certificate for an account."""
    expires = datetime.now(UTC) + timedelta(days=1)
    return signer.issue(account.user, int(account.device), account.identity_key, expires)


def of_stores(*stores: e2ee.MemoryStore | e2ee.SQLiteStore | e2ee.PostgresStore) -> Shown:
    """The stores and their transactions: sealed rows, and a secret that shows nothing."""
    found: Shown = {}
    for each in stores:
        kind = type(each).__name__
        with each.transaction() as transaction:
            names = transaction.list("")
            rows = [transaction.get(name) for name, _ in names]
            found["Transaction", "get"] = rows
            found["Transaction", "list"] = names
            transaction.apply([])
        found[kind, "transaction"] = rows
        found[kind, "secret"] = [repr(each.secret), str(each.secret)]
        with each.snapshot() as reading:
            found[kind, "snapshot"] = [reading.get(name) for name, _ in reading.list("")]
        found[kind, "close"] = None
        found[kind, "rekeyed"] = each.rekeyed(StoreSecret.from_key(KEY))
    with TemporaryDirectory() as folder, closing(application(Path(folder) / "own.db")) as link:
        found["SQLiteStore", "on"] = repr(e2ee.SQLiteStore.on(link, key=KEY))
    scope = Scope("session/", ("index",))
    found |= {("Scope", name): getattr(scope, name) for name in ("own", "reads", "loose")}
    found["Scope", "allows"] = scope.allows([])
    found["Transaction", "apply"] = None
    found["Transaction", "commit"] = found["Transaction", "end"] = None
    found["StoreSecret", "from_key"] = repr(StoreSecret.from_key(KEY))
    found["StoreSecret", "from_fd"] = repr(secret_of_file())
    found["StoreSecret", "from_passphrase"] = repr(StoreSecret.from_passphrase(b"word"))
    return found


def secret_of_file() -> StoreSecret:
    """A secret from a file descriptor."""
    with TemporaryFile() as file:
        file.write(KEY)
        file.seek(0)
        return StoreSecret.from_fd(file.fileno())


def of_a_backup(folder: Path) -> Shown:
    """What a backup's restoration returns."""
    store, path = e2ee.MemoryStore(key=KEY), folder / "carol.backup"
    e2ee.Account.create(store, "carol").connect("bob", other("bob").bundle())
    backup(store, path)
    return {("restore", "returns"): repr(restore(path, e2ee.MemoryStore(key=KEY)))}


def of_an_examination() -> Shown:
    """What the doctor says of a store that has something of every kind, with the names."""
    store = e2ee.MemoryStore(key=KEY)
    alice, bob = e2ee.Account.create(store, "alice"), other("bob")
    alice.connect("bob", bob.bundle())
    bob.decrypt("alice", alice.encrypt("bob", b"text"))
    club = bob.create_group(["alice"])
    alice.decrypt("bob", club.invitations()[0][1])
    alice.group(club.id).add("carol")
    seen = examine(store, names=True)
    peer, group = seen.peers[0], seen.groups[0]
    every = (seen, seen.findings[0], seen.records[0], peer, peer.sessions[0], group)
    assert seen.prekeys is not None
    return {
        (type(value).__name__, name): getattr(value, name)
        for value in (*every, group.senders[0], seen.prekeys)
        for name in public_names(type(value))
    }


def of_everything(folder: Path) -> Shown:
    """All of it."""
    with e2ee.SQLiteStore(folder / "alice.db", key=KEY) as store:
        store.scrub()
        memory = e2ee.MemoryStore(key=KEY)
        e2ee.Account.create(memory, "carol")
        found = (
            of_accounts(store)
            | of_groups()
            | of_stores(memory, store)
            | of_an_examination()
            | of_a_backup(folder)
            | of_anchors(folder)
            | of_sessions()
            | of_sender_keys()
            | of_certificates()
            | of_beside()
            | of_files()
            | of_protocols()
            | of_moving(folder / "moving")
            | {("SQLiteStore", "scrub"): None}
            | {("SQLiteStore", "exchange"): repr(store.exchange(lambda _: None))}
        )
    return found | (of_a_database(folder) if available() else {})


def of_a_database(folder: Path) -> Shown:
    """The store in a database: as any other, and what its transactions side by side show."""
    scope = Scope("session/", ("index",))
    with in_a_database(folder) as store:
        e2ee.Account.create(store, "carol")
        with store.beside(scope) as transaction:
            rows = [transaction.get("index"), transaction.list("")]
        found = of_stores(store) | {("PostgresStore", "beside"): rows}
    with closing(DatabaseApplication(folder)) as own:
        lent = e2ee.PostgresStore.on(own.connection, key=KEY, schema=own.schema)
        return found | {("PostgresStore", "on"): repr(lent)}


def of_import() -> e2ee.ImportReport:
    """The report of an import."""
    device = int(libsignal.BOB.device)
    return e2ee.Account.import_records(
        e2ee.MemoryStore(), libsignal.BOB.user, libsignal.records(), device=device
    )


def other(name: str) -> e2ee.Account:
    """Someone else."""
    return e2ee.Account.create(e2ee.MemoryStore(), name)


def heard() -> tuple[e2ee.Account, e2ee.Account]:
    """Bob and Alice, who have heard of each other."""
    alice, bob = other("alice"), other("bob")
    alice.connect("bob", bob.bundle())
    return bob, alice


def public_names(kind: type) -> Iterator[str]:
    """The public attributes and methods of a class."""
    yield from (name for name in dir(kind) if not name.startswith("_"))
