# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a long life uses up."""

import pytest

import e2ee

#: Sessions that may be started from the reusable bundle, as `rust/signal/src/stock.rs` says.
MAX_REUSES = 10_000


@pytest.mark.slow
def test_a_reusable_bundle_serves_ten_thousand_sessions(
    alice: e2ee.Account, bob: e2ee.Account
) -> None:
    bundle = bob.bundle(reusable=True)

    def meet() -> None:
        alice.connect("bob", bundle)
        envelope = alice.encrypt("bob", b"")
        alice.forget("bob")
        bob.decrypt("alice", envelope)
        bob.forget("alice")

    for _ in range(MAX_REUSES):
        meet()

    with pytest.raises(e2ee.SessionExhaustedError):
        meet()
    alice.connect("bob", bob.bundle())
    assert bob.decrypt("alice", alice.encrypt("bob", b"fresh")).plaintext == b"fresh"
