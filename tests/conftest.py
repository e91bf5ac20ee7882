"""Fixtures that all tests share."""

from __future__ import annotations

import inspect
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, settings

from lofp_enrich.cli.main import main
from lofp_enrich.sources import Reading, read
from tests.demo import install
from tests.splunkd.fixtures import python as python
from tests.splunkd.fixtures import splunkd as splunkd

FUZZ = int(os.environ.get("LOFP_FUZZ", "0"))
"""How many times the usual number of random examples `make fuzz` wants; 0 for the same examples in
every run, for a test must not turn red on a change that it has nothing to do with."""


def examples(most: int = 100) -> settings:
    """How often a property is tried. How long that takes says more of the machine than the code."""
    return settings(
        max_examples=most * max(1, FUZZ),
        derandomize=not FUZZ,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


settings.register_profile("ours", examples())
settings.load_profile("ours")

CHECKOUT = Path(__file__).resolve().parent.parent
ATTACK = CHECKOUT / "lofp_enrich" / "data" / "attack.csv"
DATA = Path(__file__).parent / "data"
KNOWN = tuple(sorted(path.name for path in (DATA / "golden").iterdir()))
"""The sources of the small rules that most tests are made of, one folder each."""

CORPORA = ("sigma", "elastic", "splunk")
"""The sources of the real rules, of which `shared` has an archive each."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden; then read its diff"
    )


# click 8.1, the last for Python 3.9, mixes standard error into the output unless told.
_RUNNER = (
    CliRunner(mix_stderr=False)  # type: ignore[call-arg,unused-ignore]
    if "mix_stderr" in inspect.signature(CliRunner).parameters
    else CliRunner()
)


def run(*arguments: object, stdin: str | bytes | None = None) -> Result:
    """Runs `lofp-enrich` as a user would; a traceback fails the test."""
    result = _RUNNER.invoke(main, [str(each) for each in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of the real rule archives; where it is absent, a test that asks is skipped."""
    folder = Path(os.environ.get("LOFP_CORPORA", CHECKOUT.parent / "shared"))
    if not (folder / "corpora").is_dir():
        pytest.skip(f"the rule archives are not in {folder}; set LOFP_CORPORA")
    return folder


@cache
def reading(shared: Path, source: str, deprecated: bool = False) -> Reading:
    """What is read of a real archive; each takes seconds, so whoever asks shares it."""
    return read(source, shared / "corpora" / f"{source}.tar.gz", deprecated=deprecated)


@pytest.fixture(scope="session")
def corpora_build(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """What a build of all real rules, without the starter entries, says in JSON, and its lookups.

    Leave the folder as it is: it takes long to make.
    """
    folder = tmp_path_factory.mktemp("corpora")
    archives = [f"--source={name}={shared}/corpora/{name}.tar.gz" for name in CORPORA]
    return run("build", "--no-starter", "--json", "--out", folder, *archives), folder


@pytest.fixture(scope="session")
def starter_lookups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lookups made from the starter entries alone."""
    folder = tmp_path_factory.mktemp("lookups")
    assert run("build", "--out", folder).exit_code == 0
    return folder


@pytest.fixture(scope="session")
def known_lookups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lookups made from the rules in `tests/data/golden`, without the starter entries."""
    folder = tmp_path_factory.mktemp("known")
    sources = [f"--source={name}={DATA / 'golden' / name}" for name in KNOWN]
    assert run("build", "--no-starter", *sources, "--out", folder).exit_code == 0
    return folder


@pytest.fixture(scope="session")
def built_app(starter_lookups: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged app, unpacked as an admin installs it: `<root>/etc/apps/lofp_enrich`."""
    return unpacked(starter_lookups, tmp_path_factory.mktemp("splunk"))


@pytest.fixture(scope="session")
def known_app(known_lookups: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged app with the rules of `known_lookups`, unpacked likewise."""
    return unpacked(known_lookups, tmp_path_factory.mktemp("known-splunk"))


def unpacked(lookups: Path, root: Path) -> Path:
    """Packages an app with these lookups and unpacks it under `root`, as an admin would."""
    archive = root / "app.tar.gz"
    assert run("package", "--lookups", lookups, "--out", archive).exit_code == 0
    return install(archive, root / "etc")


def sent_to_indexers(app: Path, root: Path) -> Path:
    """A copy of an app under `root`, with the lines of docs/admin.md for distributed=true."""
    text = (CHECKOUT / "docs" / "admin.md").read_text(encoding="utf-8")
    lines = text.split("## distributed=true", 1)[1].split("```")[1].partition("\n")[2]
    copy = root / "etc" / "apps" / app.name
    shutil.copytree(app, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "local").mkdir()
    (copy / "local" / "transforms.conf").write_text(lines, encoding="utf-8")
    return copy


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, bytes], None]:
    """Compares bytes with a file of tests/golden; `--update-golden` rewrites the file."""
    folder = Path(__file__).parent / "golden"

    def compare(name: str, data: bytes) -> None:
        if request.config.getoption("--update-golden"):
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
        # As text, for the diff that pytest shows; the bytes decide.
        assert data.decode("utf-8") == (folder / name).read_bytes().decode("utf-8")

    return compare
