# SPDX-License-Identifier: MIT
"""A release is in the vault whole or not at all, is never written again, and nothing leads out."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.releases.manifest import CARD, FILES, MANIFEST, SIGNATURE
from flyball.releases.refusals import MissingError, ReleaseError
from flyball.releases.vault import Vault, read


@pytest.fixture
def copy(packed, tmp_path):
    """Return a vault of its own with the release, and the digest."""
    maker, digest = packed
    vault = Vault(tmp_path / "vault")
    vault.put(maker.vault.get(digest).files)
    return vault, digest


def test_what_was_put_comes_back_and_can_only_be_read(copy):
    vault, digest = copy

    folder = vault.path(digest)

    assert {path.name for path in folder.iterdir()} == FILES
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}
    assert folder == vault.root / "sha256" / digest[:2] / digest
    assert list(vault.digests()) == [digest]
    assert digest in vault


def test_putting_again_leaves_what_is_there(copy, packed):
    vault, digest = copy
    maker, _ = packed
    before = [path.stat().st_ino for path in sorted(vault.path(digest).iterdir())]

    assert vault.put(maker.vault.get(digest).files) == digest

    assert [path.stat().st_ino for path in sorted(vault.path(digest).iterdir())] == before
    assert not list((vault.root / "half").iterdir())


@given(st.text(max_size=80))
def test_no_text_but_a_digest_is_a_place(text):
    with pytest.raises(ReleaseError, match=r"allowed: 64 hex digits"):
        Vault(Path("/vault")).path(text)


@pytest.mark.parametrize(
    "text",
    [
        "../" * 20 + "etc/passwd",
        "%2e%2e%2f" * 7,
        "a" * 63,
        "a" * 65,
        "A" * 64,
        "a" * 64 + "\n",
        "a" * 32 + "\x00" + "a" * 31,
        "/" + "a" * 63,
        "..\\" * 21 + "a",
        "\u0660" * 64,
    ],
)
def test_no_path_leads_out_of_the_vault(tmp_path, text):
    vault = Vault(tmp_path)

    for act in (vault.get, vault.path, vault.__contains__):
        with pytest.raises(ReleaseError, match="digest: "):
            act(text)


def test_a_release_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(MissingError, match="no release"):
        Vault(tmp_path).get("a" * 64)
    assert list(Vault(tmp_path / "none").digests()) == []


@pytest.mark.parametrize("name", sorted(FILES - {MANIFEST, SIGNATURE}))
def test_one_changed_byte_is_noticed_on_the_next_reading(copy, name):
    vault, digest = copy
    path = vault.path(digest) / name
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(ReleaseError, match=rf"{name}: .* bytes of hash .*; allowed: "):
        vault.get(digest)


def test_another_release_under_this_digest_is_noticed(copy, maker):
    vault, digest = copy
    other = maker.packed(purpose="walks elsewhere")
    vault.path(digest).rename(vault.root / "old")
    maker.vault.path(other).rename(vault.path(digest))

    with pytest.raises(ReleaseError, match=f"a manifest of another digest, {other[:12]}"):
        vault.get(digest)


def link(folder):
    (folder / CARD).unlink()
    (folder / CARD).symlink_to("/etc/hostname")


def extra(folder):
    (folder / "run.sh").write_text("x")


def missing(folder):
    (folder / CARD).unlink()


def inner(folder):
    (folder / CARD).unlink()
    (folder / CARD).mkdir()


def pipe(folder):
    (folder / CARD).unlink()
    os.mkfifo(folder / CARD)


def large(folder):
    (folder / CARD).chmod(0o644)
    os.truncate(folder / CARD, (256 << 20) + 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (link, "a link"),
        (extra, r"run\.sh: a file that no release has"),
        (missing, r"card\.md: no file"),
        (inner, "no plain file|a link"),
        (pipe, "no plain file"),
        (large, "268435457 bytes"),
    ],
)
def test_a_folder_with_anything_else_in_it_is_no_release(copy, change, words):
    vault, digest = copy
    change(vault.path(digest))

    with pytest.raises(ReleaseError, match=words):
        vault.get(digest)


def test_what_is_no_release_is_not_kept(tmp_path):
    with pytest.raises(ReleaseError, match="no file; allowed: a file of a release"):
        Vault(tmp_path).put({MANIFEST: b"{}"})
    with pytest.raises(ReleaseError, match="a file that no release has"):
        Vault(tmp_path).put({"../x": b""})
    with pytest.raises(ReleaseError, match="no readable folder"):
        read(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_a_vault_that_cannot_be_written_says_so(packed, tmp_path):
    maker, digest = packed
    (tmp_path / "vault").write_text("a file")

    with pytest.raises(ReleaseError, match="cannot be kept"):
        Vault(tmp_path / "vault").put(maker.vault.get(digest).files)


@pytest.mark.parametrize(("step", "least"), [(3, 10), pytest.param(1, 30, marks=pytest.mark.slow)])
def test_killed_at_any_touch_of_the_disk_all_of_a_release_is_there_or_nothing(
    packed, tmp_path, step, least
):
    maker, digest = packed
    script = Path(__file__).with_name("killed_put.py")
    folders = [str(maker.vault.path(digest)), str(tmp_path / "v")]

    ended = subprocess.run(  # noqa: S603
        [sys.executable, str(script), *folders, str(step)],
        capture_output=True,
        text=True,
        check=True,
    )

    kills, left = map(int, ended.stdout.split())
    assert kills >= least
    assert left >= least // 2
