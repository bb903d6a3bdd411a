# SPDX-License-Identifier: MIT OR Apache-2.0
"""A package in a process of its own: requests come as JSON lines, replies go in their order.

    python -m tests.interop.matrix.peer vodozemac|olm

What it refuses is answered with the name of its exception.
"""

import importlib
import json
import sys

from tests.interop.matrix.parties import OPERATIONS, PARTIES


def main() -> None:
    """Answers until the input ends."""
    name = sys.argv[1]
    party = PARTIES[name](importlib.import_module(name))
    for line in sys.stdin:
        operation, arguments, options = json.loads(line)
        assert operation in OPERATIONS
        try:
            reply = {"ok": getattr(party, operation)(*arguments, **options)}
        except Exception as error:  # noqa: BLE001 (whatever it raises)
            reply = {"error": type(error).__name__}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
