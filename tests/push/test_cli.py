"""`push` and `status` as an admin types them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result

from tests.conftest import run

from .conftest import CANARY, NEW, OLD, World


@pytest.fixture
def typed(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("LOFP_SPLUNK_TOKEN", CANARY)
    return world


def _run(world: World, command: str, *options: object) -> Result:
    where = ("--url", world.splunk.url, "--ca", world.authority.path, "--lookups", world.folder)
    result = run(command, *where, *options)
    world.said += [result.stdout, result.stderr, repr(result)]
    return result


def test_a_dry_run_then_the_push(typed: World) -> None:
    dry = _run(typed, "push")
    assert dry.exit_code == 0
    assert "lofp_entries.csv: 2 added, 2 removed, 12 changed; 14 rows before" in dry.stdout
    assert dry.stdout.endswith("Nothing was changed yet; run it again with --apply.\n")
    assert typed.uses(OLD)
    pushed = _run(typed, "push", "--apply")
    assert pushed.exit_code == 0
    assert pushed.stdout.splitlines()[-1] == (
        "5 lookups updated: lofp_entries.csv, lofp_evidence.csv, lofp_rules.csv, "
        "lofp_software.csv, lofp_meta.csv."
    )
    assert typed.uses(NEW)


def test_quiet_is_for_cron(typed: World) -> None:
    assert len(_run(typed, "push", "--apply", "--quiet").stdout.splitlines()) == 1
    second = _run(typed, "push", "--apply", "--quiet")
    assert second.stdout + second.stderr == ""


def test_a_failure_is_one_line_and_exit_code_1(typed: World) -> None:
    typed.state.capabilities.clear()
    result = _run(typed, "push", "--apply")
    assert result.exit_code == 1
    assert result.stderr.startswith("lofp-enrich: the user svc lofp lacks the capability search,")
    assert len(result.stderr.splitlines()) == 1


def test_what_is_left_behind_is_told_with_exit_code_1(typed: World) -> None:
    typed.state.extra = lambda request: (
        (403, {}) if request.method == "DELETE" and request.query else None
    )
    result = _run(typed, "push", "--apply")
    assert result.exit_code == 1
    assert "left behind there: a lock that holds until 2027-01-15 08:30 UTC" in result.stderr
    assert typed.uses(NEW)


def test_no_token_is_a_failure_where_nobody_can_type(
    typed: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("LOFP_SPLUNK_TOKEN")
    result = _run(typed, "push")
    assert result.exit_code == 1
    assert "there is no token for splunkd" in result.stderr
    file = tmp_path / "token"
    file.write_text(CANARY)
    file.chmod(0o600)
    assert _run(typed, "push", "--token-file", file).exit_code == 0


def test_a_token_is_no_option(typed: World) -> None:
    result = run("push", "--token", "x", "--url", typed.splunk.url)
    assert result.exit_code == 2


def test_status_is_a_table(typed: World) -> None:
    result = _run(typed, "status")
    assert result.exit_code == 0
    assert "lofp_enrich 0.1.0 is installed." in result.stdout
    assert "sigma" in result.stdout
