# SPDX-License-Identifier: MIT OR Apache-2.0
"""Objects, messages and records that arguments are made of, some of them altered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from e2ee import Address
from tests.capi import attachment, olm, pickles, sealed, services, signal
from tests.capi.objects import Handle, StateKey, Step, ffi, lib

if TYPE_CHECKING:
    import random

KINDS: Final = tuple(
    each.ctype
    for each in (
        *(StateKey, Step, signal.Device, signal.Session, signal.SenderKey, signal.SenderKeys),
        *(olm.Account, olm.Session, olm.OutboundGroupSession, olm.InboundGroupSession),
        *(pickles.Pickles, sealed.TrustRoot, sealed.ServerSigner, sealed.SenderCertificate),
        *(sealed.TrustAnchors, sealed.Unsealed, sealed.Sent),
        *(services.AccountKeys, services.HpkeKey),
        *(attachment.Encryptor, attachment.Verifier, attachment.Segments),
    )
)
#: Handles of one kind that are kept.
ROOM: Final = 6
#: A millisecond in which no test runs any more: that of the year 2100.
FAR_MS: Final = 4_102_444_800_000
GROUP: Final = UUID(int=7 << 64)
ALICE, BOB = Address("alice"), Address("bob")
ACI: Final = b"9d0652a3-dcc3-4d11-975f-74d61598733f"
OTHER_ACI: Final = b"796abedb-ca4e-4f18-8803-1fde5b921f9f"


class Supplies:
    """What arguments are made of."""

    kinds = KINDS

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.handles: dict[str, list[Any]] = {kind: [] for kind in KINDS}
        self.bytes: dict[str, list[bytes]] = {}
        self.records: list[dict[str, tuple[int, bytes]]] = []
        self.key = StateKey(bytes(range(32)))
        #: They take long to make, and are not freed before the end.
        self.devices = signal.Device.generate("alice", 1), signal.Device.generate("bob", 1)

    def renew(self) -> None:
        """Frees all, and makes one of each kind or more."""
        self.free()
        self.records.clear()
        self.keep("e2ee_state_key", lent(StateKey(bytes(range(32)))))
        self._signal()
        self._olm()
        self._attachments()
        self._sealed()
        self._services()

    def free(self) -> None:
        """Frees all handles but the devices that are kept."""
        kept = {int(ffi.cast("uintptr_t", each.pointer)) for each in self.devices}
        for handles in self.handles.values():
            for handle in handles:
                if int(ffi.cast("uintptr_t", handle)) not in kept:
                    assert lib.e2ee_free(handle) == lib.E2EE_OK
            handles.clear()

    def _signal(self) -> None:
        alice, bob = self.devices
        bundle = bob.bundle(reusable=True)
        sending = signal.Session.initiate(self.key, alice, BOB, bundle)
        step = sending.encrypt(b"first")
        self.records.append(step.writes)
        first = step.release()
        receiving, step = signal.Session.accept(self.key, bob, ALICE, first)
        step.release()
        own = signal.SenderKey.create(self.key, GROUP)
        others = signal.SenderKeys(self.key, ALICE, GROUP)
        distribution = own.distribution()
        step = others.accept(distribution)
        self.records += [step.writes, {"device": bob.seal(self.key)}]
        step.release()
        step = own.encrypt(b"to all")
        self.records.append(step.writes)
        group_message = step.release()
        second = sending.encrypt(b"second").release()
        fresh = signal.Session.initiate(self.key, alice, BOB, bundle)
        unopened = fresh.encrypt(b"of another session").release()
        backlog = signal.SenderKeys(self.key, BOB, GROUP).decrypt_many([b"", group_message])
        for each in (sending, receiving, own, others, fresh.encrypt(b"waits"), backlog):
            self.keep(each.ctype, lent(each))
        for device in self.devices:
            self.keep(device.ctype, device.pointer)
        scannable = self._scannable()
        self.bytes = {
            "bundle": [bundle],
            "message": [first, second, unopened, group_message],
            "distribution": [distribution],
            "scannable": [scannable],
            "scanned": [scannable, mirrored(scannable)],
            "key": [bytes(32)],
            "name": [sending.name.encode()],
        }

    def _scannable(self) -> bytes:
        """The scannable form of a safety number, which takes long."""
        if "scannable" in self.bytes:
            return self.bytes["scannable"][0]
        alice, bob = (each.identity_key for each in self.devices)
        return signal.safety_number((ACI.decode(), alice), (OTHER_ACI.decode(), bob))

    def _olm(self) -> None:
        alice, bob = olm.Account.generate(), olm.Account.generate()
        bob.generate_one_time_keys(2)
        bob.generate_fallback_key()
        one_time, other = bob.one_time_keys.values()
        sending = olm.Session.initiate(
            self.key, alice, identity_key=bob.identity_key, one_time_key=one_time
        )
        step = sending.encrypt(b"first")
        self.records.append(step.writes)
        first = step.release()
        receiving, step = olm.Session.accept(self.key, bob, None, first)
        step.release()
        own = olm.OutboundGroupSession.create(self.key)
        session_key = own.session_key()
        others, step = olm.InboundGroupSession.accept(self.key, session_key)
        self.records += [step.writes, {"olm account": bob.seal(self.key)}]
        step.release()
        step = own.encrypt(b"to all")
        self.records.append(step.writes)
        room_message, second = step.release(), sending.encrypt(b"second").release()
        fresh = olm.Session.initiate(
            self.key, alice, identity_key=bob.identity_key, one_time_key=other
        )
        unopened = fresh.encrypt(b"of another session").release()
        reader, step = olm.InboundGroupSession.accept(self.key, session_key)
        step.release()
        export = others.export_at(0)
        self.bytes["message"] += [first, second, unopened, room_message]
        keys, shares = [bob.identity_key, one_time, other], [session_key, export]
        for name in ("identity_key", "one_time_key"):
            self.bytes[name] = keys
        self.bytes["sender_identity_key"] = [alice.identity_key]
        for name in ("session_key", "export_bytes", "shared"):
            self.bytes[name] = shares
        self.bytes |= {"session_id": [own.session_id], "event_id": [b"$event"]}
        self.bytes["name"].append(receiving.name.encode())
        opened = reader.decrypt(room_message, None)
        reader, step = olm.InboundGroupSession.accept(self.key, session_key)
        step.release()
        backlog = reader.decrypt_many([(b"", None), (room_message, None)])
        self._pickles(alice, bob, one_time)
        for each in (alice, bob, sending, receiving, own, others, opened, backlog):
            self.keep(each.ctype, lent(each))

    def _pickles(self, alice: olm.Account, bob: olm.Account, one_time: bytes) -> None:
        """Pickles of all that has one, for both families."""
        found = []
        for family in (pickles.Pickles.libolm(bytes(32)), pickles.Pickles.vodozemac(bytes(32))):
            session = olm.Session.initiate(
                self.key, alice, identity_key=bob.identity_key, one_time_key=one_time
            )
            own = olm.OutboundGroupSession.create(self.key)
            others, step = olm.InboundGroupSession.accept(self.key, own.session_key())
            step.release()
            found += [family.write_account(alice), family.write_session(session)]
            found += [family.write_outbound(own), family.write_inbound(others)]
            self.keep(family.ctype, lent(family))
        self.bytes["pickle"] = [each.encode() for each in found]
        self.bytes["their_identity_key"] = [bob.identity_key]

    def _attachments(self) -> None:
        blob, pointer = attachment.encrypted(b"a picture")
        verifiers = [attachment.Verifier.of(pointer) for _ in range(3)]
        for verifier in verifiers[1:]:
            verifier.update(blob)
        encryptors = [attachment.Encryptor.begin(4) for _ in range(3)]
        for encryptor in encryptors[1:]:
            encryptor.update(b"text")
        encryptors[2].finish()
        for each in (verifiers[2].finish(), *verifiers[:2], *encryptors):
            self.keep(each.ctype, lent(each))
        self.bytes |= {"pointer": [pointer], "blob": [blob], "segment": [blob]}

    def _sealed(self) -> None:
        alice, bob = self.devices
        root = sealed.TrustRoot.generate()
        signer = root.server_signer(7)
        anchors, others = sealed.TrustAnchors.of([root.public_key]), sealed.TrustAnchors.of([])
        certificate = signer.issue("alice", 1, alice.identity_key, FAR_MS, "+14152222222")
        content = sealed.Content(2, b"message", group_id=b"group")
        message = sealed.seal(alice, certificate, content, bob.identity_key)
        destination = sealed.Destination("bob", 1, bob.identity_key, 5)
        sent = sealed.seal_for_many(alice, certificate, content, [destination], ["carol"])
        parsed, unsealed = sealed.Sent.parse(sent), sealed.unseal(bob, anchors, message)
        keys = [each.identity_key for each in self.devices]
        self.records += [{"trust-root": root.seal(self.key)}]
        self.records += [{"server-signer": signer.seal(self.key)}]
        self.bytes |= {
            "bytes": [certificate.to_bytes()],
            "e164": [b"+14152222222", b""],
            "group_id": [b"group", b""],
            "public_key": [root.public_key, *keys],
            "sealed": [message, parsed.recipients[0][2]],
            "server_certificate": [sealed.TrustRoot.generate().server_signer(3).certificate],
        }
        for name in ("identity_key", "their_identity_key"):
            self.bytes[name] = self.bytes[name] + keys
        self.bytes["message"].append(sent)
        for each in (root, signer, anchors, others, certificate, unsealed, parsed):
            self.keep(each.ctype, lent(each))

    def _services(self) -> None:
        keys, hpke_key = services.AccountKeys.generate(), services.HpkeKey.generate()
        link_key = services.username_link_key()
        self.bytes["public_key"].append(hpke_key.public_key)
        self.bytes["sealed"] += [keys.seal(self.key), hpke_key.seal(self.key)]
        self.bytes["sealed"] += [services.username_link("carl.42", link_key)]
        self.bytes["sealed"] += [services.hpke_seal(hpke_key.public_key, b"text")]
        self.bytes |= {
            "pool": [keys.pool().encode()],
            "binding": [bytes(32)],
            "info": [b""],
            "associated_data": [b""],
            "link_key": [link_key],
            "media_id": [bytes(15)],
            "username": [b"carl.42"],
        }
        for each in (keys, hpke_key):
            self.keep(each.ctype, lent(each))

    def keep(self, kind: str, handle: Any) -> None:
        """Keeps a handle, and frees the oldest if there are too many."""
        handles = self.handles[kind]
        kept = {int(ffi.cast("uintptr_t", each.pointer)) for each in self.devices}
        handles.append(handle)
        if len(handles) > ROOM:
            oldest = next(each for each in handles if int(ffi.cast("uintptr_t", each)) not in kept)
            handles.remove(oldest)
            assert lib.e2ee_free(oldest) == lib.E2EE_OK

    def handle(self, kind: str) -> Any:
        """A handle of this kind."""
        return self.chance.choice(self.handles[kind])

    def taken(self) -> Any:
        """A fresh handle that the caller may free."""
        room = olm.OutboundGroupSession.create(self.key)
        made: list[Handle] = [StateKey(bytes(32)), room, signal.SenderKeys(self.key, ALICE, GROUP)]
        made.append(room.encrypt(b"to all"))
        return ffi.cast("void *", lent(self.chance.choice(made)))

    def bytes_for(self, name: str) -> bytes:
        """Bytes for the parameter of this name, often altered."""
        content = self.chance.choice(self.bytes.get(name, [b"", b"text", bytes(300)]))
        return content if self.chance.random() < 0.6 else self.altered(content)

    def altered(self, content: bytes) -> bytes:
        """Other bytes: with a bit flipped, shorter, longer, or any."""
        changed, place = bytearray(content), self.chance.randrange(len(content) + 1)
        how = self.chance.randrange(4)
        if how == 0 and place < len(content):
            changed[place] ^= 1 << self.chance.randrange(8)
        elif how == 1:
            del changed[place:]
        elif how == 2:
            changed += self.chance.randbytes(self.chance.randrange(40))
        else:
            changed = bytearray(self.chance.randbytes(self.chance.randrange(200)))
        return bytes(changed)

    def id_of(self, name: str) -> bytes:
        """A group's, an account's or a session's id."""
        return self.bytes["session_id"][0] if name == "session_id" else GROUP.bytes

    def name(self) -> bytes:
        """The name of an address."""
        return self.chance.choice(
            [b"alice", b"bob", b"alice", b"bob", ACI, b"", b"\xff", b"n" * 256]
        )

    def person(self) -> bytes:
        """The id of a person."""
        return self.chance.choice([ACI, OTHER_ACI, b"PNI:" + ACI, b"+14152222222", b"", b"\xff"])

    def identity_key(self) -> bytes:
        """An identity key of Signal."""
        keys = [each.identity_key for each in self.devices]
        return self.chance.choice([*keys, *keys, b"", bytes(33), bytes(32)])

    def rows(self) -> list[tuple[str, int, bytes]]:
        """The records of one object."""
        return [(name, *row) for name, row in self.chance.choice(self.records).items()]

    def row(self) -> tuple[str, int, bytes]:
        """One record, perhaps altered."""
        name, revision, sealed = self.chance.choice(self.rows())
        return name, revision, sealed if self.chance.random() < 0.6 else self.altered(sealed)


def mirrored(scannable: bytes) -> bytes:
    """The scannable form that the other side shows: both halves change places."""
    half = (len(scannable) - 2) // 2
    ours, theirs = scannable[2 : 2 + half], scannable[2 + half :]
    return scannable[:2] + ours[:2] + theirs[2:] + theirs[:2] + ours[2:]


def lent(handle: Handle) -> Any:
    """The handle of an object, which no longer frees it."""
    pointer = handle.pointer
    bare = ffi.cast(f"{handle.ctype} *", int(ffi.cast("uintptr_t", pointer)))
    ffi.gc(pointer, None)
    return bare
