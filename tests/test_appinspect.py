"""The verdict on AppInspect's reports; AppInspect itself runs in a session of nox."""

from __future__ import annotations

from typing import Any

import pytest

from tests.appinspect import ALLOWED, complaints


def report(**results: str) -> dict[str, Any]:
    checks = [
        {"name": name, "result": result, "messages": [{"result": result, "message": "Look."}]}
        for name, result in {**results, "check_something": "success"}.items()
    ]
    return {"summary": {"success": 1}, "reports": [{"groups": [{"checks": checks}]}]}


def all_allowed() -> dict[str, Any]:
    return report(**dict.fromkeys(ALLOWED, "warning"))


def test_warnings_of_the_allow_list_pass() -> None:
    assert complaints([all_allowed(), report()]) == []


@pytest.mark.parametrize("result", ["warning", "failure", "error", "future_failure", "new_word"])
def test_all_else_is_to_be_mended(result: str) -> None:
    found = complaints([all_allowed(), report(check_cloud=result)])
    assert found == [f"check_cloud: {result}: Look."]


@pytest.mark.parametrize("result", ["failure", "error", "future_failure"])
def test_the_allow_list_is_for_warnings_alone(result: str) -> None:
    name = next(iter(ALLOWED))
    assert complaints([all_allowed(), report(**{name: result})]) == [f"{name}: {result}: Look."]


def test_what_several_runs_find_is_said_once() -> None:
    run = report(check_cloud="failure")
    assert len(complaints([all_allowed(), run, run])) == 1


def test_an_allowed_warning_that_is_gone_is_to_be_taken_from_the_list() -> None:
    name, *others = ALLOWED
    found = complaints([report(**dict.fromkeys(others, "warning"))])
    assert found == [f"{name}: is allowed and no longer reported; take it from the list"]


def test_a_run_without_a_passed_check_inspected_nothing() -> None:
    run = {"summary": {"success": 0}, "reports": []}
    assert complaints([all_allowed(), run]) == ["AppInspect passed no check at all"]
