# SPDX-License-Identifier: MIT
import struct
import zipfile
from pathlib import Path

import pytest

from flyball.core.errors import ScenarioError
from flyball.worlds.jobshop import package
from flyball.worlds.jobshop.package import column_letters, column_number, parts, rebuilt, scan
from flyball.worlds.jobshop.read import read
from tests.worlds.jobshop.workbooks import save, small

LEGACY = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WORKBOOK = "xl/workbook.xml"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return save(tmp_path / "orders.xlsx", small())


def refusal(path: Path) -> tuple[str, str]:
    """Return what was found and the fix; nothing else may have been written."""
    before = sorted(path.parent.iterdir())

    with pytest.raises(ScenarioError) as caught:
        read(path)

    assert sorted(path.parent.iterdir()) == before
    (problem,) = caught.value.problems
    assert problem.where == path.name
    return problem.found, problem.fix


def with_part(book: Path, name: str, data: bytes) -> Path:
    """Add a part to a workbook, or replace one."""
    with zipfile.ZipFile(book) as old:
        kept = {entry: old.read(entry) for entry in old.namelist() if entry != name}
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as new:
        for entry, content in {**kept, name: data}.items():
            new.writestr(entry, content)
    return book


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "an empty file"),
        (b"job;due\nA;1", "not an Excel workbook"),
        (b"\x89PNG\r\n", "not an Excel workbook"),
        (LEGACY + b"\0" * 600, "a workbook of Excel 97 (.xls)"),
        (LEGACY + "EncryptedPackage".encode("utf-16-le"), "a workbook with a password"),
        (b"PK\x03\x04" + b"\0" * 40, "a damaged workbook"),
        (b"PK\x05\x06" + b"\0" * 18, "a zip file without a workbook in it"),
    ],
)
def test_what_is_no_workbook_is_refused_with_what_it_is(
    tmp_path: Path, data: bytes, found: str
) -> None:
    path = tmp_path / "orders.xlsx"
    path.write_bytes(data)

    told, fix = refusal(path)

    assert found in told
    assert "save" in fix


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("xl/vbaProject.bin", "a workbook with macros"),
        ("xl/workbook.bin", "a binary workbook"),
        ("content.xml", "an OpenDocument file"),
    ],
)
def test_other_kinds_of_workbook_are_refused_by_name(book: Path, part: str, found: str) -> None:
    told, fix = refusal(with_part(book, part, b"<a/>"))

    assert found in told
    assert "save it as .xlsx" in fix


def test_half_a_workbook_is_damaged(book: Path) -> None:
    data = book.read_bytes()
    book.write_bytes(data[: len(data) // 2])

    told, _ = refusal(book)

    assert told == "a damaged workbook"


def test_bytes_turned_inside_a_workbook_are_found(book: Path) -> None:
    with zipfile.ZipFile(book) as entries:
        entry = entries.getinfo(WORKBOOK)
    data = bytearray(book.read_bytes())
    at = entry.header_offset + 30 + len(entry.filename) + 20
    data[at : at + 40] = bytes(40)
    book.write_bytes(bytes(data))

    told, _ = refusal(book)

    assert told == "a damaged workbook"


def test_a_workbook_part_that_is_no_xml_is_damaged(book: Path) -> None:
    told, _ = refusal(with_part(book, WORKBOOK, b"<workbook><sheets>"))

    assert told == "a damaged workbook"


def test_a_sheet_that_is_no_xml_is_damaged(book: Path) -> None:
    told, _ = refusal(with_part(book, "xl/worksheets/sheet8.xml", b"<worksheet><sheetData><row"))

    assert told.startswith("a damaged workbook")


def test_a_zip_bomb_is_refused_from_the_directory_alone(book: Path) -> None:
    path = with_part(book, "xl/media/bomb.xml", b"<a>" + b" " * (21 * 2**20) + b"</a>")
    assert path.stat().st_size < 100_000

    told, fix = refusal(path)

    assert "unpacks to 21 MiB" in told
    assert "delete sheets" in fix


def test_a_directory_that_lies_about_sizes_does_not_get_more_memory(book: Path) -> None:
    with_part(book, "xl/worksheets/sheet8.xml", b"<a>" + b" " * (9 * 2**20) + b"</a>")
    data = bytearray(book.read_bytes())
    at = data.rindex(b"xl/worksheets/sheet8.xml") - 46
    data[at + 24 : at + 28] = struct.pack("<I", 100)
    book.write_bytes(bytes(data))

    told, _ = refusal(book)

    assert told.startswith("a damaged workbook")


def test_a_file_larger_than_the_limit_is_not_even_read(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "MAX_FILE_BYTES", 1000)

    told, fix = refusal(book)

    assert told.startswith("a file of ")
    assert "delete pictures" in fix


def test_entities_are_refused_before_any_parser_meets_them(book: Path) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><workbook>&b;</workbook>'

    told, _ = refusal(with_part(book, WORKBOOK, bomb))

    assert "declares entities" in told


def test_entities_cannot_hide_behind_another_encoding(book: Path) -> None:
    hidden = "<!DOCTYPE x [<!ENTITY a 'a'>]><workbook/>".encode("utf-16")

    told, _ = refusal(with_part(book, WORKBOOK, hidden))

    assert "not plain XML" in told


def test_a_zip_entry_with_a_password_is_refused(book: Path) -> None:
    data = bytearray(book.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    book.write_bytes(bytes(data))

    told, _ = refusal(book)

    assert told == "a zip file with a password"


def test_a_folder_in_place_of_a_workbook_is_no_workbook(tmp_path: Path) -> None:
    folder = tmp_path / "orders.xlsx"
    folder.mkdir()

    with pytest.raises(ScenarioError, match=r"cannot be read .*check path and rights"):
        parts(folder)


def test_columns_count_as_spreadsheets_do() -> None:
    assert [column_letters(n) for n in (1, 26, 27, 702, 703, 16384)] == [
        "A", "Z", "AA", "ZZ", "AAA", "XFD",
    ]  # fmt: skip
    assert all(column_number(column_letters(n)) == n for n in range(1, 2000))


def test_a_scan_sees_extent_formulas_and_errors_but_no_cells_without_value() -> None:
    seen = scan(
        b'<row r="1"><c r="A1"><v>1</v></c><c r="B1"><f>A1+1</f><v/></c></row>'
        b'<row r="2"><c r="C2" t="e"><v>#REF!</v></c><c s="3" r="D3"><f>A1</f><v>2</v></c></row>'
        b'<row r="900"><c r="XFD900" s="1"/></row>'
    )

    assert (seen.last_line, seen.last_column) == (3, 4)
    assert seen.no_result == {(1, 2): "A1+1"}
    assert seen.error == {(2, 3): "#REF!"}


def test_a_rebuilt_package_holds_the_same_parts(book: Path) -> None:
    found = parts(book)

    with zipfile.ZipFile(rebuilt(found)) as again:
        assert {name: again.read(name) for name in again.namelist()} == found


def test_cells_that_never_end_are_scanned_once_each() -> None:
    n = 30_000

    seen = scan(b'<c r="B7"><v>1' * n)

    assert (seen.last_line, seen.last_column) == (7, 2)
