# SPDX-License-Identifier: MIT
"""The zip file that a workbook is: judged from its directory, then read with hard limits.

What a library parses afterwards is a package rebuilt from the parts that were judged, so that
neither sizes that lie nor parts that nobody asked for reach it.
"""

import io
import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

from flyball.core.errors import Problem, ScenarioError

MAX_FILE_BYTES = 100 * 2**20
MAX_UNPACKED_BYTES = 400 * 2**20
MAX_RATIO = 200
RATIO_FREE_BYTES = 20 * 2**20
MAX_PARTS = 10_000

_LEGACY = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_SAVE = "save it as .xlsx (Excel workbook) without a password"


@dataclass(frozen=True)
class SheetPart:
    """A sheet as the workbook's own list names it."""

    name: str
    part: str
    hidden: bool


def refuse(path: Path, found: str, allowed: str, fix: str) -> ScenarioError:
    """Return the error of a file that cannot be read at all."""
    return ScenarioError(Problem(where=path.name, found=found, allowed=allowed, fix=fix))


def parts(path: Path) -> dict[str, bytes]:
    """Return every XML part of a workbook by its name.

    Raises
    ------
    ScenarioError
        When the file is no workbook of today, is encrypted, holds macros, or would unpack to more
        than the limits above.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            found = f"a file of {size / 2**20:.0f} MiB"
            allowed = f"at most {MAX_FILE_BYTES // 2**20} MiB"
            raise refuse(path, found, allowed, "delete pictures and sheets that are not needed")
        data = path.read_bytes()
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise refuse(path, found, "a file you may read", "check path and rights") from error
    _refuse_others(path, data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            _refuse_directory(path, package.infolist())
            return _unpacked(path, package)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise refuse(
            path, "a damaged workbook", "an .xlsx workbook", "open it in Excel and save it again"
        ) from error


def _refuse_others(path: Path, data: bytes) -> None:
    if data.startswith(_LEGACY):
        if _ENCRYPTED in data:
            raise refuse(path, "a workbook with a password", "an open .xlsx workbook", _SAVE)
        raise refuse(path, "a workbook of Excel 97 (.xls)", "an .xlsx workbook", _SAVE)
    if not data:
        raise refuse(path, "an empty file", "an .xlsx workbook", "save the workbook again")
    if not data.startswith(b"PK"):
        found = "not an Excel workbook, whatever its name says"
        raise refuse(path, found, "an .xlsx workbook or a folder of .csv files", _SAVE)


def _refuse_directory(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Judge the package from its directory alone, before anything is unpacked."""
    names = {entry.filename.lower() for entry in entries}
    total = sum(entry.file_size for entry in entries)
    packed = max(sum(entry.compress_size for entry in entries), 1)
    too_big = total > MAX_UNPACKED_BYTES or len(entries) > MAX_PARTS
    if too_big or (total > RATIO_FREE_BYTES and total / packed > MAX_RATIO):
        found = f"unpacks to {total / 2**20:.0f} MiB, {total // packed} times its size"
        allowed = f"at most {MAX_UNPACKED_BYTES // 2**20} MiB and {MAX_RATIO} times"
        raise refuse(path, found, allowed, "delete sheets and formats that are not needed")
    if any(entry.flag_bits & 1 for entry in entries):
        raise refuse(path, "a zip file with a password", "an open .xlsx workbook", _SAVE)
    if any(name.endswith("vbaproject.bin") for name in names):
        found = "a workbook with macros"
        raise refuse(path, found, "a workbook without macros", "save it as .xlsx, not as .xlsm")
    if "xl/workbook.bin" in names:
        raise refuse(path, "a binary workbook (.xlsb)", "an .xlsx workbook", _SAVE)
    if "content.xml" in names:
        raise refuse(path, "an OpenDocument file (.ods)", "an .xlsx workbook", _SAVE)
    if "xl/workbook.xml" not in names:
        raise refuse(path, "a zip file without a workbook in it", "an .xlsx workbook", _SAVE)


def _unpacked(path: Path, package: zipfile.ZipFile) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for entry in package.infolist():
        if entry.filename.lower().endswith((".xml", ".rels")):
            # zipfile never yields more than the directory says, whatever the data hold.
            found[entry.filename] = package.read(entry)
    for name, data in found.items():
        head = data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
        if (data and head != b"<") or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            reason = f"part {name} declares entities or is not plain XML"
            raise refuse(path, reason, "XML as Excel writes it", "open it in Excel and save it")
    return found


def sheets(path: Path, found: dict[str, bytes]) -> list[SheetPart]:
    """Return the sheets of a workbook in its own order."""
    try:
        book = ET.fromstring(found["xl/workbook.xml"])  # noqa: S314  no DOCTYPE, see above
        links = ET.fromstring(found["xl/_rels/workbook.xml.rels"])  # noqa: S314
    except (ET.ParseError, KeyError) as error:
        raise refuse(
            path, "a damaged workbook", "an .xlsx workbook", "open it in Excel and save it again"
        ) from error
    target = {
        link.get("Id", ""): _absolute(link.get("Target", ""))
        for link in links
        if link.get("Type", "").endswith("/worksheet")
    }
    listed: list[SheetPart] = []
    for sheet in book.iter():
        if sheet.tag.rpartition("}")[2] != "sheet":
            continue
        link_id = next((v for k, v in sheet.attrib.items() if k.rpartition("}")[2] == "id"), "")
        part = target.get(link_id, "")
        if part in found:
            hidden = sheet.get("state", "visible") != "visible"
            listed.append(SheetPart(sheet.get("name", ""), part, hidden))
    return listed


def _absolute(target: str) -> str:
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def rebuilt(found: dict[str, bytes]) -> io.BytesIO:
    """Return a package of `found` alone, without compression."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as package:
        for name, data in found.items():
            package.writestr(name, data)
    stream.seek(0)
    return stream


_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*)>")
_REF = re.compile(rb'\br="([A-Za-z]{1,3})(\d{1,7})"')
_FILLED = re.compile(rb"<(?:\w+:)?(?:v|t|f)[\s>/]")
_VALUE = re.compile(rb"<(?:\w+:)?(?:v|t)(?:\s[^>]*)?>[^<]")


@dataclass(frozen=True)
class Scan:
    """What a sheet's XML says before it is parsed."""

    last_line: int
    last_column: int
    no_result: dict[tuple[int, int], str]  # (line, column) of formulas that nobody has computed
    error: dict[tuple[int, int], str]  # (line, column) of cells that show #REF! and the like


def scan(data: bytes) -> Scan:
    """Return the extent of a sheet and its cells without a value that can be used."""
    last_line = last_column = 0
    no_result: dict[tuple[int, int], str] = {}
    error: dict[tuple[int, int], str] = {}
    for match, after in pairwise(chain(_CELL.finditer(data), [None])):
        if match is None or match[1].endswith(b"/"):
            continue
        head = match[1]
        ref = _REF.search(head)
        # From tag to tag, never in search of an end, so that no file can make this slow.
        body = data[match.end() : after.start() if after else None]
        if ref is None or not _FILLED.search(body):
            continue
        at = int(ref[2]), column_number(ref[1].decode())
        last_line, last_column = max(last_line, at[0]), max(last_column, at[1])
        if b't="e"' in head:
            shown = re.search(rb"<(?:\w+:)?v[^>]*>([^<]*)", body)
            error[at] = shown[1].decode(errors="replace") if shown else "an error"
        elif b"<f" in body and not _VALUE.search(body):
            shown = re.search(rb"<f[^>]*>([^<]*)", body)
            no_result[at] = shown[1].decode(errors="replace") if shown else ""
    return Scan(last_line, last_column, no_result, error)


def column_number(letters: str) -> int:
    """Return the number of a column, from 1: ``A`` is 1, ``AA`` is 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """Return the letters of a column, from 1."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
