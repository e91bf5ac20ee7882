"""Fixtures that all tests share."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lofp_enrich.cli import main
from tests.splunkd.fixtures import python as python
from tests.splunkd.fixtures import splunkd as splunkd

CHECKOUT = Path(__file__).resolve().parent.parent


def run(*arguments: object, stdin: str | bytes | None = None) -> Result:
    """Runs `lofp-enrich` as a user would; a traceback fails the test."""
    result = CliRunner().invoke(main, [str(each) for each in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of the real rule archives; a test that asks for it is skipped where it is absent."""
    folder = Path(os.environ.get("LOFP_CORPORA", CHECKOUT.parent / "shared"))
    if not (folder / "corpora").is_dir():
        pytest.skip(f"the rule archives are not in {folder}; set LOFP_CORPORA")
    return folder


@pytest.fixture(scope="session")
def starter_lookups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lookups made from the starter entries alone."""
    folder = tmp_path_factory.mktemp("lookups")
    assert run("build", "--out", folder).exit_code == 0
    return folder


@pytest.fixture(scope="session")
def built_app(starter_lookups: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged app, unpacked as an admin installs it: `<root>/etc/apps/lofp_enrich`."""
    root = tmp_path_factory.mktemp("splunk")
    archive = root / "app.tar.gz"
    assert run("package", "--lookups", starter_lookups, "--out", archive).exit_code == 0
    apps = root / "etc" / "apps"
    apps.mkdir(parents=True)
    with tarfile.open(archive) as tar:
        tar.extractall(apps)
    return apps / "lofp_enrich"
