# SPDX-License-Identifier: MIT OR Apache-2.0
"""An operator who tries every public function that takes bytes with all that was seized."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import final
from uuid import UUID

import e2ee
from e2ee import signal
from e2ee.store import Scope, Store, StoreSecret, Transaction
from tests.operator import curve
from tests.operator.beside import BESIDE
from tests.operator.chats import CHATS
from tests.operator.copies import COPIES
from tests.operator.databases import DATABASES
from tests.operator.files import FILES
from tests.operator.many import MANY
from tests.operator.material import candidate_keys
from tests.operator.matrix import MATRIX
from tests.operator.megolm import MEGOLM
from tests.operator.moving import MOVING
from tests.operator.olm import OLM
from tests.operator.seized import GROUP, PEOPLE, Seized
from tests.properties import wire
from tests.properties.world import Rows, copy_of, put_rows, read_rows
from tests.stores.kinds import application

Act = Callable[[], object]
OWN_KEY = bytes(range(32))
#: Passphrases are slow to try on purpose; the stores here have none.
#: A service id, which a number without a store needs.
_UUID = "9d0652a3-dcc3-4d11-975f-74d61598733f"
PASSPHRASES = ("alice", "bob")
#: An identity key pair as libsignal stores it: of the private key that RFC 7748 §5.2 begins with.
NOBODY = b"\x0a\x21\x05" + curve.public_key(b"\x09" + bytes(31)) + b"\x12\x20\x09" + bytes(31)


@final
class Borrowed:
    """Seized rows in a store of the operator's, under a secret of the operator's choice."""

    def __init__(self, rows: Rows, secret: StoreSecret) -> None:
        self._inner = copy_of(rows, OWN_KEY)
        self.secret = secret

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction over the rows."""
        with self._inner.transaction() as transaction:
            yield transaction

    def close(self) -> None:
        """Forgets the rows."""
        self._inner.close()


@final
class Operator:
    """What was seized, the keys that it suggests, and accounts under the names of the victims."""

    def __init__(self, seized: Seized, folder: Path, planted: tuple[bytes, ...] = ()) -> None:
        self.seized: Seized = seized
        self.folder = folder
        self.planted = planted
        self.was_asked_for_keys = False
        self._keys: list[bytes] = [*planted, *candidate_keys(seized)]
        self.blobs: list[bytes] = [each for each in seized.every_byte() if len(each) < 100_000]
        self.accounts = [
            e2ee.Account.create(e2ee.MemoryStore(), name) for name in (*PEOPLE, "mallory")
        ]
        for account in self.accounts:
            for peer in PEOPLE:
                account.connect(peer, seized.bundles[peer][0])
        self.state_key: signal.StateKey = signal.StateKey(OWN_KEY)
        self.root = signal.TrustRoot.generate()
        self.signer = self.root.server_signer(1)
        self.devices = [signal.Device.generate(name, 1) for name in PEOPLE]

    @property
    def keys(self) -> list[bytes]:
        """The keys that are tried."""
        self.was_asked_for_keys = True
        return self._keys

    def account_acts(self, act: Callable[[e2ee.Account, str, bytes], object]) -> Iterator[Act]:
        """Tries something with every account of the operator's, every peer and every blob."""
        for account in self.accounts:
            for peer in PEOPLE:
                for blob in self.blobs:
                    yield partial(act, account, peer, blob)

    def value_acts(self, act: Callable[[bytes], object]) -> Iterator[Act]:
        """Tries something with every blob."""
        for blob in self.blobs:
            yield partial(act, blob)

    def key_acts(self, act: Callable[[bytes, str], object]) -> Iterator[Act]:
        """Tries something with every key, for every victim."""
        for key in self.keys:
            for name in PEOPLE:
                yield partial(act, key, name)

    def read_all(self, store: Store) -> list[object]:
        """Opens a store, and all that an account in it can open."""
        account = e2ee.Account.open(store)
        found: list[object] = [account.contacts(), account.inbox()]
        for sent in self.seized.envelopes:
            with suppress(e2ee.E2EEError):
                found.append(account.decrypt(sent.sender, sent.encoded))
        return found

    def file(self, name: str) -> Path:
        """A fresh copy of a seized file, with what SQLite keeps beside it."""
        original = self.seized.files[name]
        copied = self.folder / "copy"
        shutil.rmtree(copied, ignore_errors=True)
        copied.mkdir()
        for part in original.parent.glob(f"{name}*"):
            shutil.copy(part, copied)
        return copied / name

    def read_file(
        self, name: str, *, key: bytes | None = None, passphrase: str | None = None
    ) -> list[object]:
        """Opens a copy of a seized file."""
        with e2ee.SQLiteStore(self.file(name), key=key, passphrase=passphrase) as store:
            return self.read_all(store)

    def read_beside(self, name: str, key: bytes) -> list[object]:
        """Seized rows in an SQLite file of an application of the operator's."""
        self.folder.mkdir(exist_ok=True)
        with closing(application(self.folder / f"{len(list(self.folder.iterdir()))}.db")) as link:
            store = e2ee.SQLiteStore.on(link, key=key)
            put_rows(store, self.seized.rows[name])
            return self.read_all(store)

    def mixed(self, name: str, row: str) -> list[object]:
        """A row of a victim inside an account of the operator's."""
        store = e2ee.MemoryStore(key=OWN_KEY)
        e2ee.Account.create(store, name)
        put_rows(store, read_rows(store) | {row: self.seized.rows[name][row]})
        return self.read_all(store)

    def imported(self, blob: bytes) -> list[object]:
        """A blob as each record of an account that is imported, with an identity of nobody."""
        store, peer, group = e2ee.MemoryStore(key=OWN_KEY), e2ee.Address("alice"), UUID(int=1)
        records = e2ee.LibsignalRecords(
            identity_key_pair=NOBODY,
            registration_id=1,
            prekeys={1: blob},
            signed_prekeys={1: blob},
            kyber_prekeys={1: blob},
            identities={peer: blob},
            sessions={peer: blob},
            sender_keys={(peer, group): blob},
        )
        report = e2ee.Account.import_records(store, "bob", records)
        return [str(report), *self.read_all(store)]

    def load_session(self, key: bytes, name: str, device: signal.Device) -> list[bytes]:
        """Loads a seized session under a key, and opens what can be opened."""
        found = []
        for sent in self.seized.messages:
            with suppress(e2ee.E2EEError):
                session = signal.Session.load(
                    signal.StateKey(key), device, e2ee.Address("alice"), self.seized.sessions[name]
                )
                found.append(session.decrypt(sent.kind, sent.encoded).release())
        return found

    def load_device(self, key: bytes, name: str) -> list[bytes]:
        """Loads a seized device under a key, and then its session."""
        device = signal.Device.load(signal.StateKey(key), *self.seized.devices[name])
        return self.load_session(key, "bob", device)

    def accept(self, device: signal.Device, message: bytes) -> bytes:
        """Accepts a first message with a device of the operator's."""
        peer = e2ee.Address("alice")
        _, step = signal.Session.accept(self.state_key, device, peer, message)
        return step.release()

    def sender_keys(self, key: signal.StateKey) -> signal.SenderKeys:
        """Chains of the operator's making."""
        received = signal.SenderKeys(key, e2ee.Address("alice"), GROUP)
        received.accept(signal.SenderKey.create(key, GROUP).distribution()).release()
        return received

    def accept_chain(self, blob: bytes) -> list[bytes]:
        """Takes a blob for a distribution message, and opens what can be opened."""
        received = signal.SenderKeys(self.state_key, e2ee.Address("alice"), GROUP)
        received.accept(blob).release()
        return self.opened_by(received)

    def load_sender_key(self, key: bytes) -> list[bytes]:
        """Loads the seized chain under a key: whoever has it reads what it writes from then on."""
        own = signal.SenderKey.load(signal.StateKey(key), GROUP, self.seized.chains["sending"])
        received = signal.SenderKeys(self.state_key, e2ee.Address("alice"), GROUP)
        received.accept(own.distribution()).release()
        return self.opened_by(received)

    def load_sender_keys(self, key: bytes) -> list[bytes]:
        """Loads seized received chains under a key, and opens what can be opened."""
        records = [self.seized.chains["head"], self.seized.chains["skipped"]]
        sender = e2ee.Address("alice")
        return self.opened_by(signal.SenderKeys.load(signal.StateKey(key), sender, GROUP, records))

    def opened_by(self, received: signal.SenderKeys) -> list[bytes]:
        """What these chains open of the seized messages."""
        found = []
        for sent in self.seized.messages:
            with suppress(e2ee.E2EEError):
                found.append(received.decrypt(sent.encoded).release())
        return found

    def messages(self) -> list[bytes]:
        """All that could be a message: what was seized, and the same without an envelope."""
        return [*self.blobs, *(blob[wire.ENVELOPE_HEAD :] for blob in self.blobs)]

    def decrypt(self, kind: int, message: bytes) -> bytes:
        """Opens a message with a session of the operator's."""
        return self.session().decrypt(kind, message).release()

    def certificate(self, user: str, key: bytes) -> signal.SenderCertificate:
        """A certificate of the operator's, for anyone."""
        return self.signer.issue(user, 1, key, datetime.now(UTC) + timedelta(days=1))

    def seal(self, account: e2ee.Account, peer: str, blob: bytes) -> list[e2ee.Envelope]:
        """Seals a blob, and with a blob as the certificate."""
        own = self.certificate(account.user, account.identity_key)
        found = [account.encrypt_sealed(peer, blob, own)]
        with suppress(e2ee.E2EEError):
            found.append(account.encrypt_sealed(peer, b"text", blob))
        return found

    def seal_to_a_group(self, blob: bytes) -> bytes:
        """Seals a blob for a group of the operator's."""
        mallory = self.accounts[-1]
        club = mallory.create_group(["bob"])
        club.invitations()
        own = self.certificate(mallory.user, mallory.identity_key)
        return club.encrypt_sealed(blob, own)

    def unseal(self, account: e2ee.Account, blob: bytes) -> e2ee.Message:
        """Opens a sealed envelope with the operator's own root."""
        return account.decrypt_sealed(blob, trust_roots=[self.root.public_key])

    def unseal_into_the_inbox(self, account: e2ee.Account, blob: bytes) -> e2ee.Message:
        """What `receive_sealed` shows."""
        with account.receive_sealed(blob, trust_roots=[self.root.public_key]) as message:
            return message

    def session(self) -> signal.Session:
        """A session of the operator's with Bob."""
        bundle, peer = self.seized.bundles["bob"][-1], e2ee.Address("bob")
        return signal.Session.initiate(self.state_key, self.devices[0], peer, bundle)


def received(account: e2ee.Account, peer: str, blob: bytes) -> e2ee.Message:
    """What `receive` shows."""
    with account.receive(peer, blob) as message:
        return message


def verified(account: e2ee.Account, peer: str, blob: bytes) -> None:
    """Verifies by bytes as if they were scanned, and a bundle by its own number."""
    with suppress(e2ee.E2EEError):
        account.verify(peer, blob)
    account.verify(peer, account.safety_number(peer, bundle=blob), bundle=blob)


def assembled(operator: Operator, blob: bytes) -> e2ee.PreKeyBundle:
    """A bundle of a server that puts a key of its own choice into an upload."""
    upload = operator.accounts[0].prekeys()
    key = e2ee.SignedPreKey(1, blob, upload.signed.signature)
    return e2ee.PreKeyBundle.assemble(replace(upload, signed=key))


#: For every public callable that takes bytes, how the operator tries it.
ATTEMPTS: dict[str, Callable[[Operator], Iterator[Act]]] = {
    "Account.accept_identity": lambda o: o.account_acts(lambda a, p, b: a.accept_identity(p, b)),
    "Account.connect": lambda o: o.account_acts(lambda a, p, b: a.connect(p, b)),
    "Account.decrypt": lambda o: o.account_acts(lambda a, p, b: a.decrypt(p, b)),
    "Account.decrypt_sealed": lambda o: o.account_acts(lambda a, _, b: o.unseal(a, b)),
    "Account.encrypt_sealed": lambda o: o.account_acts(o.seal),
    "Account.encrypt": lambda o: o.account_acts(lambda a, p, b: a.encrypt(p, b)),
    "Account.mark_verified": lambda o: o.account_acts(
        lambda a, p, b: a.mark_verified(e2ee.Address(p), b)
    ),
    "Account.receive": lambda o: o.account_acts(received),
    "Account.receive_sealed": lambda o: o.account_acts(
        lambda a, _, b: o.unseal_into_the_inbox(a, b)
    ),
    "Account.rekey": lambda o: o.account_acts(lambda a, _, b: a.rekey(key=b[:32])),
    "Account.repair": lambda o: o.account_acts(lambda a, p, b: a.repair(p, b, 0)),
    "Account.safety_number": lambda o: o.account_acts(lambda a, p, b: a.safety_number(p, bundle=b)),
    "Account.verify": lambda o: o.account_acts(verified),
    "Contact": lambda o: o.value_acts(
        lambda b: e2ee.Contact(e2ee.Address("bob"), b, verified=True, pq_epoch=1, pq_messages=1)
    ),
    "Envelope": lambda o: o.value_acts(e2ee.Envelope),
    "Envelope.from_bytes": lambda o: o.value_acts(e2ee.Envelope.from_bytes),
    "Group.encrypt": lambda o: o.value_acts(lambda b: o.accounts[0].create_group().encrypt(b)),
    "Group.encrypt_sealed": lambda o: o.value_acts(o.seal_to_a_group),
    "LibsignalRecords": lambda o: o.value_acts(o.imported),
    "MemoryStore": lambda o: o.key_acts(
        lambda key, name: o.read_all(copy_of(o.seized.rows[name], key))
    ),
    "Message": lambda o: o.value_acts(lambda b: e2ee.Message(e2ee.Address("bob"), b)),
    "Outgoing": lambda o: o.value_acts(
        lambda b: e2ee.Outgoing("", e2ee.Address("bob"), datetime.now(UTC), e2ee.Envelope(b))
    ),
    "PreKeyBundle": lambda o: o.value_acts(e2ee.PreKeyBundle),
    "PreKeyBundle.from_bytes": lambda o: o.value_acts(e2ee.PreKeyBundle.from_bytes),
    "OneTimePreKey": lambda o: o.value_acts(lambda b: e2ee.OneTimePreKey(1, b)),
    "PreKeyUpload": lambda o: o.value_acts(lambda b: assembled(o, b)),
    "SignedPreKey": lambda o: o.value_acts(lambda b: e2ee.SignedPreKey(1, b, b)),
    "SafetyNumber": lambda o: o.value_acts(lambda b: e2ee.SafetyNumber("0" * 60, b)),
    "SafetyNumber.compare": lambda o: o.value_acts(
        lambda b: o.accounts[0].safety_number("bob").compare(b)
    ),
    "SafetyNumber.from_scannable": lambda o: o.value_acts(e2ee.SafetyNumber.from_scannable),
    "safety_number": lambda o: o.value_acts(lambda b: signal.safety_number((_UUID, b), (_UUID, b))),
    "SQLiteStore.on": lambda o: o.key_acts(lambda key, name: o.read_beside(name, key)),
    "SQLiteStore": lambda o: o.key_acts(lambda key, name: o.read_file(name, key=key)),
    "UntrustedIdentityError": lambda o: o.value_acts(
        lambda b: e2ee.UntrustedIdentityError(e2ee.Address("bob"), b)
    ),
    "Device.load": lambda o: o.key_acts(o.load_device),
    "SenderKey.encrypt": lambda o: o.value_acts(
        lambda b: signal.SenderKey.create(o.state_key, GROUP).encrypt(b).release()
    ),
    "SenderKey.load": lambda o: o.key_acts(lambda key, _: o.load_sender_key(key)),
    "SenderKeys.accept": lambda o: (partial(o.accept_chain, blob) for blob in o.messages()),
    "SenderKeys.decrypt": lambda o: (
        partial(o.sender_keys(o.state_key).decrypt, blob) for blob in o.messages()
    ),
    "SenderKeys.load": lambda o: o.key_acts(lambda key, _: o.load_sender_keys(key)),
    "Session.initiate": lambda o: o.value_acts(
        lambda b: signal.Session.initiate(o.state_key, o.devices[0], e2ee.Address("bob"), b)
    ),
    "Session.accept": lambda o: (
        partial(o.accept, device, blob) for device in o.devices for blob in o.messages()
    ),
    "Session.load": lambda o: o.key_acts(lambda key, _: o.load_session(key, "bob", o.devices[1])),
    "Session.encrypt": lambda o: o.value_acts(lambda b: o.session().encrypt(b).release()),
    "Session.decrypt": lambda o: (
        partial(o.decrypt, kind, blob)
        for kind in (wire.RATCHET, wire.PREKEY)
        for blob in o.messages()
    ),
    "Scope.allows": lambda o: o.value_acts(lambda b: Scope("").allows([("a", 0, 1, b)])),
    "SealedRecipient": lambda o: o.value_acts(
        lambda b: signal.SealedRecipient("bob", (), b, b).message[:0]
    ),
    "SenderCertificate": lambda o: o.value_acts(signal.SenderCertificate),
    "SenderCertificate.from_bytes": lambda o: o.value_acts(signal.SenderCertificate.from_bytes),
    "ServerSigner.issue": lambda o: o.value_acts(lambda b: o.certificate("bob", b)),
    "ServerSigner.load": lambda o: o.key_acts(
        lambda key, _: [
            signal.ServerSigner.load(signal.StateKey(key), *each).certificate
            for each in o.seized.signers
        ]
    ),
    "TrustRoot.load": lambda o: o.key_acts(
        lambda key, _: [
            signal.TrustRoot.load(signal.StateKey(key), *each).public_key for each in o.seized.roots
        ]
    ),
    "fan_out": lambda o: (partial(signal.fan_out, each) for each in o.messages()),
    "left_out": lambda o: (partial(signal.left_out, each) for each in o.messages()),
    "StateKey.__new__": lambda o: o.key_acts(lambda key, _: signal.StateKey(key)),
    "StoreSecret.from_key": lambda o: o.key_acts(
        lambda key, name: o.read_all(Borrowed(o.seized.rows[name], StoreSecret.from_key(key)))
    ),
    "StoreSecret.from_passphrase": lambda o: (
        partial(o.read_file, name, passphrase=word) for name in PEOPLE for word in PASSPHRASES
    ),
    "Transaction.apply": lambda o: (
        partial(o.mixed, name, row) for name in PEOPLE for row in o.seized.rows[name]
    ),
    **BESIDE,
    **CHATS,
    **DATABASES,
    **COPIES,
    **FILES,
    **MANY,
    **MEGOLM,
    **MOVING,
    **OLM,
    **MATRIX,
}
