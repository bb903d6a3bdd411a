# SPDX-License-Identifier: MIT OR Apache-2.0
"""A program's stores in a process of their own: requests come as JSON lines, replies in order.

    python -m tests.interop.matrix.store_peer nio|mautrix

What it refuses is answered with the name of its exception, and its text.
"""

import json
import sys
import traceback
from typing import Any


def stores(name: str) -> Any:  # noqa: ANN401 (either program)
    """The program of this name; the other one need not be there."""
    if name == "nio":
        from tests.interop.matrix.store_nio import NioStores  # noqa: PLC0415

        return NioStores()
    from tests.interop.matrix.store_mautrix import MautrixStores  # noqa: PLC0415

    return MautrixStores()


def main() -> None:
    """Answers until the input ends."""
    held = stores(sys.argv[1])
    for line in sys.stdin:
        operation, arguments, options = json.loads(line)
        assert not operation.startswith("_")
        try:
            reply = {"ok": getattr(held, operation)(*arguments, **options)}
        except Exception as error:  # noqa: BLE001 (whatever it raises)
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
