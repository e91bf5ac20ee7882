"""The app archive: the same bytes from the same input, and nothing in it that does not belong."""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
import subprocess
import tarfile
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest

from lofp_enrich.deploy import package
from lofp_enrich.errors import LofpError
from lofp_enrich.search.knowledge.columns import CATALOGUE
from tests.conftest import CHECKOUT, run


@pytest.fixture(scope="module")
def archive(known_lookups: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "app.tar.gz"
    assert run("package", "--lookups", known_lookups, "--out", path).exit_code == 0
    return path


@pytest.fixture(scope="module")
def members(archive: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(archive) as tar:
        return tar.getmembers()


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of splunk_app/ that a test may litter."""
    shutil.copytree(package.TEMPLATE, tmp_path / "splunk_app")
    shutil.copy2(CHECKOUT / "LICENSE", tmp_path)
    monkeypatch.setattr(package, "TEMPLATE", tmp_path / "splunk_app")
    return tmp_path / "splunk_app"


def names_of(members: list[tarfile.TarInfo]) -> list[str]:
    """The files, by their path inside the app."""
    return [each.name.partition("/")[2] for each in members if each.isfile()]


class TestBytes:
    def test_two_runs_are_equal(self, archive: Path, known_lookups: Path, tmp_path: Path) -> None:
        other = tmp_path / "deep" / "other.tar.gz"
        first = run("package", "--lookups", known_lookups, "--out", other)
        assert first.output == f"{other}: created\n"
        assert other.read_bytes() == archive.read_bytes()
        again = run("package", "--lookups", known_lookups, "--out", other)
        assert again.output == f"{other}: unchanged\n"

    def test_times_and_places_of_the_input_play_no_part(
        self, archive: Path, known_lookups: Path, tmp_path: Path, template: Path
    ) -> None:
        lookups = tmp_path / "elsewhere"
        shutil.copytree(known_lookups, lookups)
        for path in (*lookups.iterdir(), *template.rglob("*")):
            path.touch()
            if path.is_file():
                path.chmod(0o600)
        package.write_app(lookups, tmp_path / "x.tar.gz")
        assert (tmp_path / "x.tar.gz").read_bytes() == archive.read_bytes()

    def test_other_lookups_give_other_bytes(
        self, archive: Path, starter_lookups: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "x.tar.gz"
        out.write_bytes(b"old")
        assert package.write_app(starter_lookups, out) == "updated"
        assert out.read_bytes() != archive.read_bytes()


class TestArchive:
    def test_one_top_folder_and_plain_names(self, members: list[tarfile.TarInfo]) -> None:
        names = [each.name for each in members]
        assert {PurePosixPath(name).parts[0] for name in names} == {package.APP}
        assert len(set(names)) == len(names)
        assert not [name for name in names if name.startswith(("/", ".")) or ".." in name]
        assert all(each.isfile() or each.isdir() for each in members)
        # A folder comes before what is in it.
        for at, name in enumerate(names):
            parent = str(PurePosixPath(name).parent)
            assert parent in [".", *names[:at]]

    def test_modes_owners_and_times(self, members: list[tarfile.TarInfo]) -> None:
        for each in members:
            assert each.mode == (0o755 if each.isdir() else 0o644)
            assert (each.mtime, each.uid, each.gid, each.uname, each.gname) == (0, 0, 0, "", "")

    def test_nothing_that_does_not_belong(self, members: list[tarfile.TarInfo]) -> None:
        names = names_of(members)
        for name in names:
            parts = PurePosixPath(name).parts
            assert not any(part.startswith(".") for part in parts)
            assert not {"local", "__pycache__"} & set(parts)
            assert PurePosixPath(name).suffix not in {".pyc", ".pyo", ".so", ".exe", ".egg"}
        assert not [name for name in names if "modularinput" in name]
        assert {PurePosixPath(name).parts[0] for name in names} == {
            *("LICENSE.txt", "NOTICE.txt", "README", "README.md", "app.manifest"),
            *("bin", "default", "lookups", "metadata", "static"),
        }

    def test_litter_in_the_template_stays_there(
        self, template: Path, known_lookups: Path, members: list[tarfile.TarInfo]
    ) -> None:
        litter = """
            .DS_Store default/.DS_Store default/data/ui/.x.swp bin/__pycache__/lofpenrich.pyc
            bin/lofpenrich.pyc local/app.conf metadata/local.meta bin/lib/.git/HEAD
        """
        for name in litter.split():
            (template / name).parent.mkdir(parents=True, exist_ok=True)
            (template / name).write_bytes(b"litter")
        assert sorted(package.app_files(known_lookups)) == sorted(names_of(members))

    def test_lookups_are_those_of_the_folder_and_the_sites_own_are_defaults(
        self, known_app: Path, known_lookups: Path
    ) -> None:
        shipped = {path.name: path.read_bytes() for path in (known_app / "lookups").iterdir()}
        for name, data in shipped.items():
            if name.endswith(".default"):
                assert data.count(b"\n") == 1
                assert name[: -len(".default")] not in shipped
            else:
                assert data == (known_lookups / name).read_bytes()
        assert {"lofp_local.csv.default", "lofp_entries.csv"} <= shipped.keys()


WITH_SPLUNKLIB = ("__init__", "alert_action", "command", "rest")
"""Modules of `search` that talk to splunkd; the others answer on the command line, too."""


class TestVendoredCode:
    def test_splunklib_is_as_it_is_installed(self, known_app: Path) -> None:
        """AppInspect knows its files by their hashes; `RECORD` holds what was installed."""
        recorded = {
            str(file): file
            for file in metadata.files("splunk-sdk") or ()
            if str(file).startswith("splunklib/") and file.suffix == ".py"
        }
        folder = known_app / "bin" / "lib"
        shipped = {
            str(path.relative_to(folder).as_posix()): path.read_bytes()
            for path in (folder / "splunklib").rglob("*")
            if path.is_file() and path.suffix != ".pyc"  # made by runs of the command
        }
        assert shipped.keys() == {name for name in recorded if "modularinput" not in name}
        for name, data in shipped.items():
            assert data == Path(str(recorded[name].locate())).read_bytes()
            digest = recorded[name].hash
            if digest:
                assert digest.mode == "sha256"
                assert _base64(data) == digest.value

    def test_our_code_is_that_of_the_checkout(self, known_app: Path) -> None:
        folder = known_app / "bin" / "lib" / "lofp_enrich"
        shipped = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}
        source = CHECKOUT / "lofp_enrich"
        search = {path.relative_to(source).as_posix() for path in source.glob("search/**/*.py")}
        assert shipped == {"__init__.py", *search}
        for name in shipped:
            assert (folder / name).read_bytes() == (source / name).read_bytes()

    def test_all_of_it_is_python_3_9(self, known_app: Path) -> None:
        for path in (known_app / "bin").rglob("*.py"):
            if "splunklib" not in path.parts:
                ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))

    def test_search_needs_nothing_but_the_standard_library(
        self, known_app: Path, python: Path
    ) -> None:
        """Isolated, without site-packages: what is not in bin/lib would not be found."""
        code = """
import importlib, json, os, pathlib, sys
before = set(sys.modules)
library = pathlib.Path(sys.argv[1])
sys.path.append(str(library))
sys.dont_write_bytecode = True
for path in sorted((library / "lofp_enrich" / "search").rglob("*.py")):
    if path.stem not in sys.argv[2:]:
        name = ".".join(path.relative_to(library).with_suffix("").parts)
        importlib.import_module(name.removesuffix(".__init__"))
standard = os.path.dirname(os.__file__)
print(json.dumps(sorted(
    name for name in set(sys.modules) - before
    if not (getattr(sys.modules[name], "__file__", None) or standard).startswith(standard)
)))
"""
        done = subprocess.run(
            [
                *(str(python), "-I", "-S", "-W", "error", "-c", code),
                *(str(known_app / "bin" / "lib"), *WITH_SPLUNKLIB),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stderr == ""
        loaded = json.loads(done.stdout)
        assert {name for name in loaded if not name.startswith("lofp_enrich")} == set()
        assert {"lofp_enrich.search.knowledge.index", "lofp_enrich.search.answer.enrich"} <= set(
            loaded
        )

    @pytest.mark.parametrize("script", ["lofpenrich.py"])
    def test_a_script_starts_isolated_too(self, known_app: Path, python: Path, script: str) -> None:
        done = subprocess.run(
            [str(python), "-I", "-S", "-B", str(known_app / "bin" / script)],
            input=b"",
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert b"ModuleNotFoundError" not in done.stderr


def _base64(data: bytes) -> str:
    import base64

    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


class TestNotice:
    HEADER = "source,commit,date,license,rules,entries\n"

    def test_it_names_sources_commits_and_licences(self) -> None:
        meta = self.HEADER + f"sigma,{'a' * 40},2026-08-05,DRL-1.1,7,9\nentries,,,Apache-2.0,3,3\n"
        text = package.notice(meta.encode()).decode()
        assert f"* sigma, commit {'a' * 40}: 7 rules, licence DRL-1.1\n" in text
        assert "* entries: 3 rules, licence Apache-2.0\n" in text
        own = package.notice(f"{self.HEADER}sigma,,,,7,9\n".encode()).decode()
        assert "* sigma: 7 rules, licence as the rule says\n" in own
        for owner in ("The MITRE Corporation", "Splunk Inc."):
            assert owner in text

    def test_it_ships(self, known_app: Path) -> None:
        text = (known_app / "NOTICE.txt").read_text(encoding="utf-8")
        for source in ("sigma", "elastic", "splunk", "escu", "lofp", "entries"):
            assert f"* {source}: " in text


class TestWrongUse:
    @pytest.mark.parametrize("name", CATALOGUE)
    def test_a_missing_lookup_is_named(
        self, known_lookups: Path, tmp_path: Path, name: str
    ) -> None:
        shutil.copytree(known_lookups, tmp_path / "x")
        (tmp_path / "x" / name).unlink()
        result = run("package", "--lookups", tmp_path / "x", "--out", tmp_path / "app.tar.gz")
        assert result.exit_code == 1
        assert f"{name} cannot be read (No such file or directory)" in result.stderr
        assert result.stderr.endswith("run lofp-enrich build first.\n")
        assert not (tmp_path / "app.tar.gz").exists()

    @pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00"])
    @pytest.mark.parametrize("name", ["lofp_entries.csv", "lofp_meta.csv", "lofp_rules.csv"])
    def test_a_damaged_lookup_does_not_ship(
        self, known_lookups: Path, tmp_path: Path, name: str, data: bytes
    ) -> None:
        shutil.copytree(known_lookups, tmp_path / "x")
        (tmp_path / "x" / name).write_bytes(data)
        with pytest.raises(LofpError, match=name):
            package.write_app(tmp_path / "x", tmp_path / "app.tar.gz")
        assert not (tmp_path / "app.tar.gz").exists()

    def test_an_output_that_cannot_be(self, known_lookups: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        for out in (tmp_path, tmp_path / "file" / "app.tar.gz"):
            result = run("package", "--lookups", known_lookups, "--out", out)
            assert result.exit_code == 1
            assert result.stderr.startswith(f"lofp-enrich: {out} cannot be written (")
            assert result.stderr.count("\n") == 1

    def test_without_its_template_it_says_what_to_do(
        self, known_lookups: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(package, "TEMPLATE", tmp_path / "gone")
        with pytest.raises(LofpError, match=r"template is not here; install lofp_enrich again"):
            package.write_app(known_lookups, tmp_path / "app.tar.gz")
