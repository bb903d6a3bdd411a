# SPDX-License-Identifier: MIT OR Apache-2.0
"""X25519 in a few lines (RFC 7748 §5), to recognize a private key by its public half."""

PRIME = (1 << 255) - 19
A24 = 121_665


def public_key(private_key: bytes) -> bytes:
    """The public half of a private key."""
    scalar = int.from_bytes(private_key, "little")
    scalar = scalar & ((1 << 254) - 8) | 1 << 254
    x1, x2, z2, x3, z3, swap = 9, 1, 0, 9, 1, 0
    for place in range(254, -1, -1):
        bit = scalar >> place & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        x2, z2, x3, z3 = step(x1, (x2, z2), (x3, z3))
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little")


def step(x1: int, second: tuple[int, int], third: tuple[int, int]) -> tuple[int, int, int, int]:
    """One step of the Montgomery ladder."""
    (x2, z2), (x3, z3) = second, third
    a, b = x2 + z2, x2 - z2
    aa, bb = a * a % PRIME, b * b % PRIME
    e = aa - bb
    da, cb = (x3 - z3) * a % PRIME, (x3 + z3) * b % PRIME
    return (
        aa * bb % PRIME,
        e * (aa + A24 * e) % PRIME,
        pow(da + cb, 2, PRIME),
        x1 * pow(da - cb, 2, PRIME) % PRIME,
    )


def could_be_private(window: bytes) -> bool:
    """Whether these bytes have the form in which a private key is kept (RFC 7748 §5)."""
    return window[0] & 7 == 0 and window[31] & 0xC0 == 0x40


def private_keys_in(shown: bytes, public_keys: set[bytes]) -> list[bytes]:
    """The private halves of these public keys that stand anywhere in the bytes."""
    windows = {shown[place : place + 32] for place in range(len(shown) - 31)}
    return [
        window
        for window in windows
        if could_be_private(window) and public_key(window) in public_keys
    ]
