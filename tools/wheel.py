# SPDX-License-Identifier: MIT OR Apache-2.0
"""Packs a wheel anew, as tightly as its format allows, with what it has to say about its inside.

Run as `python -m tools.wheel [--target TARGET] WHEEL...` by `make wheel`. Every installer reads
DEFLATE and no better method; Zopfli writes it 3 % smaller than the usual level 9, and always the
same. The layout is that of PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16. The bill of
materials and the licences of others (tools/notices.py) are added, nothing else is changed.
"""

import argparse
import base64
import hashlib
import io
import struct
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from copy import copy
from pathlib import Path

from zopfli.zlib import compress

from tools.notices import LICENCES, notices

#: Zopfli's own default takes three times as long for 0.1 % more.
ITERATIONS = 5
#: Around the deflated bytes, a zlib stream has two bytes before and four behind.
ZLIB_HEADER, ZLIB_CHECKSUM = 2, 4
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
VERSION, ON_UNIX = 20, 3 << 8
U32 = 0xFFFF_FFFF
METADATA = "METADATA"
#: What names the files that are added.
CHANGED = (".dist-info/METADATA", ".dist-info/RECORD")


def main() -> None:
    """Replaces each wheel by its smaller form."""
    parser = argparse.ArgumentParser(prog="python -m tools.wheel")
    parser.add_argument("--target", help="what the extension was built for; else this machine")
    parser.add_argument("wheels", nargs="+", type=Path, metavar="WHEEL")
    given = parser.parse_args()
    told = notices(given.target or this_machine())
    for wheel in given.wheels:
        before = wheel.read_bytes()
        packed = packed_anew(before, told)
        wheel.write_bytes(packed)
        added = compressed(packed, told)
        sys.stdout.write(
            f"{wheel.name}: {len(packed):,} bytes instead of {len(before):,}, "
            f"{added:,} of them the bill of materials and the licences of others\n"
        )


def compressed(archive: bytes, told: Mapping[str, bytes]) -> int:
    """How many bytes of the wheel the added files take."""
    with zipfile.ZipFile(io.BytesIO(archive)) as wheel:
        entries = wheel.infolist()
    return sum(each.compress_size for each in entries if each.filename.endswith(tuple(told)))


def this_machine() -> str:
    """Rust's name of the target that programs are built for here, if none is named."""
    command = ["rustc", "--print", "host-tuple"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def packed_anew(archive: bytes, told: Mapping[str, bytes]) -> bytes:
    """The same files in the same order under the same names, times and modes, and those added."""
    out, directory = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as before:
        members = completed([(each, before.read(each)) for each in before.infolist()], told)
    for member, content in members:
        deflated = compress(content, numiterations=ITERATIONS)[ZLIB_HEADER:-ZLIB_CHECKSUM]
        write(member, deflated, out, directory)
    start, listed = out.tell(), directory.getvalue()
    sizes = (len(members), len(members), len(listed), start)
    result = out.getvalue() + listed + END + struct.pack("<4H2LH", 0, 0, *sizes, 0)
    check(archive, result)
    return result


def completed(
    members: list[tuple[zipfile.ZipInfo, bytes]], told: Mapping[str, bytes]
) -> list[tuple[zipfile.ZipInfo, bytes]]:
    """The files with those added, which stand before the list of all (PEP 427, PEP 639)."""
    *others, (listing, record) = members
    folder = listing.filename.removesuffix("RECORD")
    lines = record.decode().splitlines(keepends=True)
    if told:
        place = next(i for i, (each, _) in enumerate(others) if each.filename == folder + METADATA)
        name = LICENCES.removeprefix("licenses/")
        line = f"\nLicense-File: {name}\n".encode()
        changed = others[place][1].replace(b"\nSummary:", line + b"Summary:", 1)
        others[place] = (sized(others[place][0], folder + METADATA, changed), changed)
        lines = [each for each in lines if not each.startswith(folder + METADATA)]
        lines.insert(-1, recorded(folder + METADATA, changed))
    for name, content in told.items():
        others.append((sized(listing, folder + name, content), content))
        lines.insert(-1, recorded(folder + name, content))
    record = "".join(lines).encode()
    return [*others, (sized(listing, listing.filename, record), record)]


def sized(like: zipfile.ZipInfo, name: str, content: bytes) -> zipfile.ZipInfo:
    """The entry of a file with the time and mode of another."""
    entry = copy(like)
    entry.filename, entry.CRC, entry.file_size = name, zipfile.crc32(content), len(content)
    return entry


def recorded(name: str, content: bytes) -> str:
    """A file's line in the list of all."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    return f"{name},sha256={digest},{len(content)}\n"


def write(member: zipfile.ZipInfo, deflated: bytes, out: io.BytesIO, directory: io.BytesIO) -> None:
    """One file, and its entry in the directory at the end."""
    year, month, day, hour, minute, second = member.date_time
    time = hour << 11 | minute << 5 | second // 2
    date = (year - 1980) << 9 | month << 5 | day
    name, place = member.filename.encode(), out.tell()
    if max(place, len(deflated), member.file_size) > U32 or not name.isascii():
        sys.exit("a wheel of this size or with this name needs another layout")
    described = (0, zipfile.ZIP_DEFLATED, time, date)
    measured = (member.CRC, len(deflated), member.file_size, len(name), 0)
    out.write(LOCAL + struct.pack("<5H3L2H", VERSION, *described, *measured) + name + deflated)
    placed = (0, 0, 0, member.external_attr, place)
    entry = struct.pack("<6H3L5H2L", ON_UNIX | VERSION, VERSION, *described, *measured, *placed)
    directory.write(CENTRAL + entry + name)


def check(before: bytes, after: bytes) -> None:
    """Stops if not every file is in the new archive as in the old one, or the list is wrong."""
    with zipfile.ZipFile(io.BytesIO(before)) as old, zipfile.ZipFile(io.BytesIO(after)) as new:
        listed = new.read(new.infolist()[-1]).decode().splitlines()
        for one in new.infolist()[:-1]:
            if recorded(one.filename, new.read(one)).strip() not in listed:
                sys.exit(f"{one.filename} is not in the list of all files as it is")
        for one in old.infolist():
            other, changed = new.getinfo(one.filename), one.filename.endswith(CHANGED)
            same = one.external_attr == other.external_attr and one.date_time == other.date_time
            if not same or not (changed or old.read(one) == new.read(other)):
                sys.exit(f"{one.filename} is not what it was")


if __name__ == "__main__":
    main()
