# SPDX-License-Identifier: MIT OR Apache-2.0
"""No type that owns a secret can be copied, compared, hashed, defaulted or printed.

A derived `Debug` is allowed where the secret is a field of a secret type, since that field prints
`Secret<32>(..)`; the types that wipe raw bytes themselves must write theirs by hand.
"""

import re
from collections.abc import Iterable, Iterator

from tests.hygiene.rust_text import Definition, code, definitions
from tests.hygiene.tree import Source, sources

#: The types that everything secret is made of, wherever they are defined.
ROOTS = frozenset({"Secret", "SecretBytes", "PrivateKey", "HmacKey", "MessageKeys"})
WIPED = frozenset({"Zeroize", "ZeroizeOnDrop"})
FORBIDDEN = frozenset(
    {"Clone", "Copy", "Display", "PartialEq", "PartialOrd", "Hash", "Default", "Serialize"}
)
IMPLEMENTED = re.compile(
    r"\bimpl(?:<[^>]*>)?\s+(?:\w+::)*(\w+)(?:<[^>]*>)?\s+for\s+(?:\w+::)*(\w+)"
)


def wipes(definition: Definition) -> bool:
    """Whether the type wipes bytes of its own."""
    implemented = IMPLEMENTED.findall(code(definition.source.text))
    traits = {trait for trait, name in implemented if name == definition.name}
    return bool((definition.derives | traits) & (WIPED | {"Drop"}))


def meant(path: str, user: Definition, known: list[Definition]) -> list[Definition]:
    """The definitions that a path in a type's fields may mean, nearest first."""
    *modules, name = path.split("::")
    same = [definition for definition in known if definition.name == name]
    module = modules[-1] if modules else ""
    nearest = (
        [definition for definition in same if definition.source.stem == module],
        [definition for definition in same if definition.source.path == user.source.path],
        [definition for definition in same if definition.source.crate == user.source.crate],
        same,
    )
    return next((found for found in nearest if found), [])


def secret_types(known: list[Definition]) -> set[Definition]:
    """The types that own a secret: directly, or through another type."""
    secret = {definition for definition in known if definition.name in ROOTS or wipes(definition)}
    while True:
        more = {
            definition
            for definition in known
            if definition not in secret
            and any(
                path.rsplit("::", 1)[-1] in ROOTS
                or secret.intersection(meant(path, definition, known))
                for path in definition.owns
            )
        }
        if not more:
            return secret
        secret |= more


def faults(rust: Iterable[Source]) -> Iterator[str]:
    """What the sources let a program do with a secret."""
    rust = list(rust)
    known = [definition for source in rust for definition in definitions(source)]
    for definition in sorted(secret_types(known), key=str):
        forbidden = FORBIDDEN | ({"Debug"} if wipes(definition) else set())
        for trait in sorted(definition.derives & forbidden):
            yield f"{definition}: derives {trait}"
        for trait, name in IMPLEMENTED.findall(code(definition.source.text)):
            if name == definition.name and trait in FORBIDDEN:
                yield f"{definition}: implements {trait}"


def caught(*texts: str) -> list[str]:
    """The faults of a made-up crate with these files, without their places."""
    rust = [Source(f"rust/made/src/file{place}.rs", text) for place, text in enumerate(texts)]
    return [fault.split(": ", 1)[1] for fault in faults(rust)]


def test_no_secret_can_be_copied_compared_or_printed() -> None:
    assert list(faults(sources(".rs", under=("rust/",)))) == []


def test_the_secret_types_of_the_core_are_seen() -> None:
    known = [each for source in sources(".rs", under=("rust/",)) for each in definitions(source)]

    names = {definition.name for definition in secret_types(known)}

    assert {"DoubleRatchet", "SendingChain", "Chain"} <= names


def test_a_derive_on_a_holder_is_caught() -> None:
    holder = (
        "#[derive(Clone, Debug)]\npub struct Chain<D> { key: Secret<32>, kind: PhantomData<D> }"
    )

    assert caught(holder) == ["Chain: derives Clone"]


def test_a_derive_on_an_enum_is_caught() -> None:
    holder = "#[derive(Hash)]\nenum Turn { Ours { key: x25519::PrivateKey }, Theirs(u32) }"

    assert caught(holder) == ["Turn: derives Hash"]


def test_a_derive_two_types_away_in_another_file_is_caught() -> None:
    inner = "pub struct Chain { seeds: Vec<(u32, Secret<32>)> }"
    outer = "#[derive(PartialEq)]\nstruct Session(Option<Box<Chain>>);"

    assert caught(inner, outer) == ["Session: derives PartialEq"]


def test_an_implementation_on_a_secret_is_caught() -> None:
    definition = "pub struct Secret<const N: usize>([u8; N]);\n"
    clone = "impl<const N: usize> Clone for Secret<N> {}"

    assert caught(definition + clone) == ["Secret: implements Clone"]


def test_a_derived_debug_on_raw_bytes_is_caught() -> None:
    raw = "#[derive(Debug)]\nstruct Seed([u8; 32]);\nimpl Drop for Seed { fn drop(&mut self) {} }"

    assert caught(raw) == ["Seed: derives Debug"]


def test_what_owns_no_secret_is_left_alone() -> None:
    header = "#[derive(Clone, Debug)]\npub struct Header { key: x25519::PublicKey }"
    borrowing = "#[derive(Clone, Copy)]\nstruct View<'a> { key: &'a Secret<32> }"
    variant = "#[derive(Clone)]\nenum Kind { Secret, Chain(u32) }"
    comment = (
        "/// Holds no Secret.\n#[derive(Clone)]\nstruct Plain { /* Secret */ text: &'static str }"
    )

    assert caught(header, borrowing, variant, comment) == []
