"""Folders and archives, friendly and hostile; all of them made here."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Callable

import pytest

from lofp_enrich.errors import LofpError
from lofp_enrich.sources import archive
from lofp_enrich.sources.archive import Contents, TextFile

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    f"sigma-{COMMIT}/README.md": b"no rule",
    f"sigma-{COMMIT}/rules/b.yml": b"b",
    f"sigma-{COMMIT}/rules/a.yml": b"\xef\xbb\xbfa\r\nb",
    f"sigma-{COMMIT}/.github/c.yml": b"hidden",
}


def wanted(name: str) -> bool:
    return name.endswith(".yml")


def make_tar(path: Path, files: dict[str, bytes], folders: bool = False, **headers: str) -> Path:
    """With `folders` as GitHub serves it: folders are members too, the top folder the first one."""
    options = {"format": tarfile.PAX_FORMAT, "pax_headers": headers}
    above = [str(each) for name in files for each in list(Path(name).parents)[-2::-1]]
    with tarfile.open(path, "w:gz", **options) as tar:  # type: ignore[call-overload]
        for name in dict.fromkeys(above if folders else ()):
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE
            tar.addfile(member)
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def make_zip(path: Path, files: dict[str, bytes], comment: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        file.comment = comment.encode()
    return path


def make_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return path


def texts(found: Contents) -> dict[str, str]:
    return {file.path: file.text for file in found.files if isinstance(file, TextFile)}


def errors(found: Contents) -> list[str]:
    return [str(file) for file in found.files if not isinstance(file, TextFile)]


@pytest.mark.parametrize("folders", [True, False])
@pytest.mark.parametrize("name", ["a.tar.gz", "a.tgz", "a.spl", "a.zip"])
def test_an_archive_as_github_serves_it(tmp_path: Path, name: str, folders: bool) -> None:
    path = tmp_path / name
    made = make_zip(path, FILES) if name.endswith("zip") else make_tar(path, FILES, folders)
    found = archive.contents(made, wanted)
    assert texts(found) == {"rules/a.yml": "a\nb", "rules/b.yml": "b"}
    assert (found.top, found.commit, errors(found)) == (f"sigma-{COMMIT}", COMMIT, [])


def test_a_folder(tmp_path: Path) -> None:
    make_folder(tmp_path, FILES)
    found = archive.contents(tmp_path / f"sigma-{COMMIT}", wanted)
    assert texts(found) == {"rules/a.yml": "a\nb", "rules/b.yml": "b"}
    assert (found.top, found.commit) == (f"sigma-{COMMIT}", COMMIT)


def test_one_file(tmp_path: Path) -> None:
    make_folder(tmp_path, {"x.conf": b"a"})
    found = archive.contents(tmp_path / "x.conf", wanted)
    assert texts(found) == {"x.conf": "a"}
    assert (found.top, found.commit) == ("", "")


def test_git_writes_the_commit_into_an_archive_of_a_branch(tmp_path: Path) -> None:
    tar = make_tar(tmp_path / "a.tar.gz", {"sigma-master/a.yml": b""}, comment=COMMIT)
    zipped = make_zip(tmp_path / "a.zip", {"sigma-master/a.yml": b""}, COMMIT)
    for path in (tar, zipped):
        found = archive.contents(path, wanted)
        assert (found.top, found.commit) == ("sigma-master", COMMIT)


@pytest.mark.parametrize(
    ("names", "paths"),
    [
        (["rules/a.yml", "deprecated/b.yml"], ["rules/a.yml", "deprecated/b.yml"]),
        (["rules/a.yml", "README"], ["rules/a.yml"]),
        (["a.yml"], ["a.yml"]),
        (["pages/a.yml", "pages/tags/b.yml"], ["a.yml", "tags/b.yml"]),
    ],
)
def test_only_a_folder_that_holds_everything_is_taken_off(
    tmp_path: Path, names: list[str], paths: list[str]
) -> None:
    path = make_tar(tmp_path / "a.tar.gz", dict.fromkeys(names, b""))
    assert list(texts(archive.contents(path, wanted))) == paths


def test_what_is_no_text_is_an_error_with_its_line(tmp_path: Path) -> None:
    found = archive.contents(make_folder(tmp_path, {"a.yml": b"a\nb\n\xff"}), wanted)
    assert errors(found) == ["a.yml:3: not UTF-8 text"]


def test_a_file_that_is_too_long_is_an_error(tmp_path: Path) -> None:
    files = {"t/a.yml": b"x" * (2 * 2**20 + 1), "t/b.yml": b"b"}
    tar, zipped = make_tar(tmp_path / "a.tgz", files), make_zip(tmp_path / "a.zip", files)
    folder = make_folder(tmp_path / "f", files) / "t"
    for path in (tar, zipped, folder):
        found = archive.contents(path, wanted, 2 * 2**20)
        assert errors(found) == ["a.yml: larger than 2 MiB"]
        assert texts(found) == {"b.yml": "b"}


NAMES = ["../a.yml", "t/../../a.yml", "/etc/a.yml", "C:/a.yml", "..\\a.yml"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_a_name_that_leads_out_is_refused(
    tmp_path: Path, name: str, make: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    path = make(
        tmp_path / f"a.{'zip' if make is make_zip else 'tgz'}", {name: b"x", "t/b.yml": b"b"}
    )
    found = archive.contents(path, wanted)
    assert [
        error.endswith(": a name that leads out of the archive is not read")
        for error in errors(found)
    ] == [True]
    assert texts(found) == {"b.yml": "b"}


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_of_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as tar:
        member = tarfile.TarInfo("t/a.yml")
        member.type = kind
        member.linkname = "/etc/passwd"
        tar.addfile(member)
    found = archive.contents(tmp_path / "a.tgz", wanted)
    assert errors(found) == ["a.yml: a link or device in an archive is not read"]


def test_a_sparse_member_is_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("t/a.yml")
    member.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[386:398] = header[398:410] = header[483:495] = b"00000000000\0"
    header[483:495] = b"77777777777\0"
    header[148:156] = b"        "
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    (tmp_path / "a.tgz").write_bytes(gzip.compress(bytes(header) + bytes(1024)))
    found = archive.contents(tmp_path / "a.tgz", wanted)
    assert errors(found) == ["a.yml: a link or device in an archive is not read"]


def test_links_of_a_zip_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        link = zipfile.ZipInfo("t/a.yml")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
    found = archive.contents(tmp_path / "a.zip", wanted)
    assert errors(found) == ["a.yml: a link or device in an archive is not read"]


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    data = bytearray(make_zip(tmp_path / "a.zip", {"t/a.yml": b"a"}).read_bytes())
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    assert errors(archive.contents(tmp_path / "a.zip", wanted)) == ["a.yml: encrypted"]


@pytest.mark.parametrize("make", [make_tar, make_zip])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_told(
    tmp_path: Path, make: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    class Twice(dict):  # type: ignore[type-arg]
        def items(self) -> object:  # type: ignore[override]
            return [("t/a.yml", b"1"), ("t/a.yml", b"2")]

    path = make(tmp_path / f"a.{'zip' if make is make_zip else 'tgz'}", Twice())
    found = archive.contents(path, wanted)
    assert texts(found) == {"a.yml": "1"}
    assert errors(found) == ["a.yml: stands twice in the archive; the first is read"]


def test_a_name_that_is_no_utf8_can_be_printed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz", format=tarfile.GNU_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("t/\udcff.yml"))
    make_folder(tmp_path, {"t/\udcff.yml": b""})
    for path in ("a.tgz", "t"):
        assert list(texts(archive.contents(tmp_path / path, wanted))) == ["\ufffd.yml"]


def test_a_bomb_is_refused_by_what_it_unpacks_to(tmp_path: Path) -> None:
    zeros = {f"t/{number}.yml": bytes(2**22) for number in range(5)}
    for path in (make_tar(tmp_path / "a.tgz", zeros), make_zip(tmp_path / "a.zip", zeros)):
        with pytest.raises(LofpError, match="holds more than 16 MiB, so it is no rule archive"):
            archive.contents(path, wanted)


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MEMBERS", 3)
    for path in (make_tar(tmp_path / "a.tgz", FILES), make_zip(tmp_path / "a.zip", FILES)):
        with pytest.raises(LofpError, match="holds more than 3 files"):
            archive.contents(path, wanted)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.tar.gz", b""),
        ("a.tar.gz", b"not an archive"),
        ("a.tgz", gzip.compress(b"not a tar" * 100, mtime=0)),
        ("a.zip", b""),
        ("a.zip", b"PK\x03\x04 not a zip"),
    ],
)
def test_what_is_no_archive_is_one_sentence(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(LofpError, match=r"cannot be read \(.*\); check it, or download it again\."):
        archive.contents(tmp_path / name, wanted)


def test_a_truncated_archive_is_no_half_success(tmp_path: Path) -> None:
    files = {f"t/{n}.yml": os.urandom(2000) for n in range(20)}
    for name, make in (("a.tgz", make_tar), ("a.zip", make_zip)):
        path = make(tmp_path / name, files)
        path.write_bytes(path.read_bytes()[:20_000])
        with pytest.raises(LofpError):
            archive.contents(path, wanted)


def test_a_tar_that_is_damaged_in_the_middle_is_no_half_success(tmp_path: Path) -> None:
    make_tar(tmp_path / "a.tgz", {f"t/{n}.yml": b"x" for n in range(20)})
    data = bytearray(gzip.decompress((tmp_path / "a.tgz").read_bytes()))
    data[1024 * 5 : 1024 * 5 + 8] = b"\xff" * 8
    (tmp_path / "a.tgz").write_bytes(gzip.compress(bytes(data)))
    with pytest.raises(LofpError, match="damaged in the middle"):
        archive.contents(tmp_path / "a.tgz", wanted)


def header(kind: bytes, size: bytes) -> bytes:
    member = tarfile.TarInfo("t/a.yml")
    member.type = kind
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = size
    block[148:156] = b"        "
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


@pytest.mark.parametrize(
    "data",
    [
        header(tarfile.XHDTYPE, b"00000000000\0") * 20_000,
        header(tarfile.REGTYPE, b"\x80" + b"\x7f" * 11) + bytes(1024),
        header(tarfile.GNUTYPE_LONGNAME, b"\x80" + b"\x7f" * 11) + bytes(1024),
        header(tarfile.REGTYPE, b"\xff" * 12) + bytes(1024),
        header(tarfile.REGTYPE, b"\xff" * 10 + b"\xfe\0") + bytes(1024),
    ],
    ids=["headers without end", "huge member", "huge name", "size -1", "size -512"],
)
def test_a_header_that_is_made_to_hurt_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.tgz").write_bytes(gzip.compress(data, 1))
    with pytest.raises(LofpError, match="check it, or download it again"):
        archive.contents(tmp_path / "a.tgz", wanted)


def test_no_byte_that_is_wrong_breaks_the_program(tmp_path: Path) -> None:
    for name, make in (("a.tgz", make_tar), ("a.zip", make_zip)):
        good = make(tmp_path / name, FILES).read_bytes()
        tar = gzip.decompress(good) if name == "a.tgz" else good
        for position in range(0, len(tar), 11):
            data = bytearray(tar)
            data[position] ^= 0xFF
            packed = gzip.compress(data, 1) if name == "a.tgz" else bytes(data)
            (tmp_path / name).write_bytes(packed)
            with contextlib.suppress(LofpError):
                archive.contents(tmp_path / name, wanted)


def test_a_missing_path_is_one_sentence(tmp_path: Path) -> None:
    for name in ("nowhere", "nowhere.tgz", "nowhere.zip"):
        with pytest.raises(LofpError, match="no such file or folder; check the path"):
            archive.contents(tmp_path / name, wanted)


def test_links_of_a_folder_are_followed_only_inside_it(tmp_path: Path) -> None:
    make_folder(tmp_path, {"in/a.yml": b"a", "out/b.yml": b"b"})
    (tmp_path / "in/inside.yml").symlink_to("a.yml")
    (tmp_path / "in/outside.yml").symlink_to("../out/b.yml")
    (tmp_path / "in/folder").symlink_to("../out")
    found = archive.contents(tmp_path / "in", wanted)
    assert texts(found) == {"a.yml": "a", "inside.yml": "a"}
    assert sorted(errors(found)) == [
        "folder: a link out of the folder is not followed",
        "outside.yml: a link out of the folder is not followed",
    ]
    (tmp_path / "link").symlink_to("in")
    assert texts(archive.contents(tmp_path / "link", wanted)) == {"a.yml": "a", "inside.yml": "a"}


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.yml").symlink_to("nowhere.yml")
    (tmp_path / "itself.yml").symlink_to("itself.yml")
    os.mkfifo(tmp_path / "pipe.yml")
    assert sorted(errors(archive.contents(tmp_path, wanted))) == [
        f"{name}.yml: no regular file, or a link to nothing"
        for name in ("broken", "itself", "pipe")
    ]


def test_a_file_that_may_not_be_read_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder(tmp_path, {"a.yml": b"a", "b.yml": b"b"})
    opened = Path.open

    def forbidden(path: Path, *arguments: str) -> object:
        if path.name == "a.yml":
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", forbidden)
    found = archive.contents(tmp_path, wanted)
    assert errors(found) == ["a.yml: cannot be read (Permission denied)"]
    assert texts(found) == {"b.yml": "b"}
