"""One door for zips: nothing is written; count, size, growth and kind are looked at before a byte is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from spinloom.core.errors import InputError
from spinloom.io import dicom_sources
from spinloom.io.dicom_sources import LONGEST_TABLE, MOST_BYTES, ONE_FILE, _table_bytes, sources


def zipped(path: Path, *names: str, comment: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for name in names:
            packed.writestr(name, b"x" * 100)
        packed.comment = comment
    return path


def claims(path: Path, at: int, size: int, value: int) -> Path:
    """The file with a number in its only entry of the table of contents replaced."""
    whole = bytearray(path.read_bytes())
    entry = whole.index(b"PK\1\2")
    whole[entry + at : entry + at + size] = value.to_bytes(size, "little")
    path.write_bytes(whole)
    return path


def test_the_length_of_the_table_is_what_zipfile_will_read(tmp_path: Path) -> None:
    """46 bytes and the name for each member (APPNOTE 4.3.12), comment or not."""
    for comment in (b"", b"c" * 1000):
        path = zipped(tmp_path / "a.zip", "one.dcm", "three.dcm", comment=comment)
        assert _table_bytes(path) == 2 * 46 + len("one.dcm") + len("three.dcm")


def test_the_length_of_the_table_of_a_zip64_too(tmp_path: Path) -> None:
    """More than 65,535 members make one."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for i in range(65_600):
            packed.writestr(zipfile.ZipInfo(f"{i:05d}"), b"")
    assert path.read_bytes().count(b"PK\6\6") == 1
    assert _table_bytes(path) == 65_600 * (46 + 5)


def test_a_longer_table_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "a.zip", "one.dcm")
    assert len(sources(path)) == 1
    whole = bytearray(path.read_bytes())
    end = whole.rindex(b"PK\5\6")
    whole[end + 12 : end + 16] = (LONGEST_TABLE + 1).to_bytes(4, "little")
    path.write_bytes(whole)
    monkeypatch.setattr(dicom_sources.zipfile, "ZipFile", None)
    monkeypatch.setattr(dicom_sources.zipfile, "is_zipfile", lambda path: True)
    with pytest.raises(InputError, match=r"a\.zip: has a table of contents of 16 MiB\. If you trust it"):
        sources(path)


@pytest.mark.parametrize("kind", [0o120000, 0o020000, 0o060000, 0o010000], ids=["link", "character", "block", "pipe"])
def test_links_and_devices_are_refused(kind: int, tmp_path: Path) -> None:
    path = claims(zipped(tmp_path / "a.zip", "one.dcm"), 38, 4, (kind | 0o777) << 16)
    with pytest.raises(InputError, match=r"holds one\.dcm, which is a (link|special file)"):
        sources(path)


def test_sizes_are_bounded_one_by_one_and_in_all(tmp_path: Path) -> None:
    for size in (ONE_FILE + 1, MOST_BYTES + 1):
        path = claims(zipped(tmp_path / "a.zip", "one.dcm"), 24, 4, min(size, 2**32 - 2))
        with pytest.raises(InputError, match="would become"):
            sources(path)


def test_a_member_is_never_unpacked_beyond_what_it_claims(tmp_path: Path) -> None:
    """It says 100 bytes and holds 10 MB: zipfile stops there, and the checksum does not hold."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("one.dcm", bytes(10**7))
    (source,) = sources(claims(path, 24, 4, 100))
    with pytest.raises(zipfile.BadZipFile, match="CRC"), source.opened():
        pass


@pytest.mark.parametrize("name", ["../a.dcm", "/etc/a.dcm", "C:\\a.dcm", "a/../../b.dcm", "\u202egpj.dcm"])
def test_a_name_leads_nowhere(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (source,) = sources(zipped(inside / "a.zip", name))
    with source.opened() as stream:
        assert stream.read() == b"x" * 100
    assert [p.name for p in tmp_path.rglob("*")] == ["inside", "a.zip"]
