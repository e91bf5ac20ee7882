"""The faults of splunklib 2 that commands must code around: each shows in the emulator.

Where one of these fails after an update of splunk-sdk, a guard in the command may have become
superfluous.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from . import Event, ProtocolError
from .conftest import TinyApp

EXIT = "External search command exited unexpectedly with non-zero error code 1."

STREAM = """
@Configuration({settings})
class Tiny(StreamingCommand):
    field = Option(validate=validators.Fieldname())

    def stream(self, records):
        for number, record in enumerate(records):
            {body}
            yield record
"""


def _stream(body: str, settings: str = "") -> str:
    return STREAM.format(body=body, settings=settings)


def test_a_field_of_later_records_only_is_lost(sdk_app: TinyApp) -> None:
    splunkd = sdk_app(_stream("if number: record['late'] = 'x'"))
    result = splunkd.search("| tiny", [{"a": "1"}, {"a": "2"}])
    assert result.events == [{"a": "1"}, {"a": "2"}]


def test_columns_begin_anew_with_each_chunk(sdk_app: TinyApp) -> None:
    splunkd = sdk_app(_stream("if record['a'] == '2': record['late'] = 'x'"))
    result = splunkd.search("| tiny", [{"a": "1"}, {"a": "2"}], chunk_rows=1)
    assert result.events == [{"a": "1"}, {"a": "2", "late": "x"}]


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_a_brace_in_a_message_ends_the_search(sdk_app: TinyApp, level: str) -> None:
    splunkd = sdk_app(_stream(f"self.write_{level}('no field {{a}}')"))
    result = splunkd.search("| tiny", [{"a": "1"}], allow_stderr=True)
    assert result.events == []
    assert result.returncode == 1
    assert not any("no field" in text for _, text in result.messages)


def test_an_exception_with_a_brace_is_lost(sdk_app: TinyApp) -> None:
    splunkd = sdk_app(_stream("raise ValueError('cannot read {x}')"))
    result = splunkd.search("| tiny", [{"a": "1"}], allow_stderr=True)
    assert [level for level, _ in result.messages] == ["ERROR"]
    assert result.errors[0].endswith(EXIT)


def test_an_exception_without_a_brace_is_told(sdk_app: TinyApp) -> None:
    splunkd = sdk_app(_stream("raise ValueError('cannot read x')"))
    result = splunkd.search("| tiny", [{"a": "1"}], allow_stderr=True)
    assert result.errors[0].startswith("ValueError at ")
    assert result.errors[0].endswith(": cannot read x")
    assert result.errors[1].endswith(EXIT)


def test_none_in_a_list_becomes_text(sdk_app: TinyApp) -> None:
    splunkd = sdk_app(_stream("record['x'] = [None]"))
    assert splunkd.search("| tiny", [{"a": "1"}]).events == [{"a": "1", "x": "None"}]


@pytest.mark.parametrize("value", ["b'x'", "__import__('decimal').Decimal(1)"])
def test_other_types_in_a_list_end_the_search(sdk_app: TinyApp, value: str) -> None:
    splunkd = sdk_app(_stream(f"record['x'] = ['a', {value}]"))
    result = splunkd.search("| tiny", [{"a": "1"}], allow_stderr=True)
    assert result.errors[0].startswith("TypeError")
    assert result.returncode == 1


def test_half_a_surrogate_pair_ends_the_search(sdk_app: TinyApp) -> None:
    splunkd = sdk_app(_stream("record['x'] = '\\ud800'"))
    result = splunkd.search("| tiny", [{"a": "1"}], allow_stderr=True)
    assert "UnicodeEncodeError" in result.stderr
    # Outside of all handlers: the user gets no word of it.
    assert [text.endswith(EXIT) for text in result.errors] == [True]


def test_a_cell_over_10_mb_ends_the_search(sdk_app: TinyApp) -> None:
    events: list[Event] = [{"a": "x" * (10 * 1024 * 1024 + 1)}]
    result = sdk_app(_stream("pass")).search("| tiny", events, allow_stderr=True)
    assert "field larger than field limit" in result.errors[0]
    assert result.events == []


def test_messages_repeat_for_every_chunk(sdk_app: TinyApp) -> None:
    splunkd = sdk_app(_stream("self.write_warning('odd')"))
    result = splunkd.search("| tiny", [{"a": "1"}, {"a": "2"}], chunk_rows=1)
    assert result.messages == [("WARN", "odd"), ("WARN", "odd")]


PREPARE = """
@Configuration()
class Tiny(StreamingCommand):
    def prepare(self):
        {body}

    def stream(self, records):
        return records
"""


def test_an_exception_in_prepare_is_lost(sdk_app: TinyApp) -> None:
    splunkd = sdk_app(PREPARE.format(body="raise ValueError('no such file')"))
    result = splunkd.search("| tiny", [{"a": "1"}], allow_stderr=True)
    assert [text.endswith(EXIT) for text in result.errors] == [True]


def test_error_exit_in_prepare_needs_a_message(sdk_app: TinyApp) -> None:
    body = "self.error_exit(ValueError('no such file'){})"
    told = sdk_app(PREPARE.format(body=body.format(", 'No such file.'")))
    result = told.search("| tiny", [{"a": "1"}], allow_stderr=True)
    assert result.errors[0] == "No such file."
    assert result.errors[1].endswith(EXIT)


def test_error_exit_without_a_message_is_lost(sdk_app: TinyApp) -> None:
    splunkd = sdk_app(PREPARE.format(body="self.error_exit(ValueError('no such file'))"))
    result = splunkd.search("| tiny", [{"a": "1"}], allow_stderr=True)
    assert [text.endswith(EXIT) for text in result.errors] == [True]


def test_error_exit_writes_to_standard_error(sdk_app: TinyApp) -> None:
    splunkd = sdk_app(PREPARE.format(body="self.error_exit(ValueError('x'), 'No such file.')"))
    with pytest.raises(ProtocolError, match="Abnormal exit: x"):
        splunkd.search("| tiny")


@pytest.mark.parametrize(
    ("settings", "kind"),
    [("", "streaming"), ("local=True", "streaming"), ("distributed=False", "stateful")],
)
def test_only_distributed_keeps_it_on_the_search_head(
    sdk_app: TinyApp, settings: str, kind: str
) -> None:
    assert sdk_app(_stream("pass", settings)).search("| tiny").info["type"] == kind


@pytest.mark.parametrize("name", ["rule.mitre.id{}", "MITRE Techniques"])
def test_fieldname_validator_refuses_real_names(sdk_app: TinyApp, name: str) -> None:
    result = sdk_app(_stream("pass")).search(f'| tiny field="{name}"', allow_stderr=True)
    assert result.returncode == 1


def test_single_values_are_texts_and_several_a_list(sdk_app: TinyApp) -> None:
    splunkd = sdk_app(_stream("record['t'] = [type(v).__name__ for v in record.values()]"))
    events: list[Event] = [{"a": "1", "b": ["2", "$3"]}]
    result = splunkd.search("| tiny", events)
    assert result.events == [{**events[0], "t": ["str", "list"]}]


def test_index_passes_through(sdk_app: TinyApp, python: Path) -> None:
    """What `narrow` rests on: required fields in, listed outputs back, merged by splunkd."""
    code = _stream("record['out'] = ['x', 'y']", "required_fields=['a', 'out']")
    splunkd = sdk_app(code, python=python)
    events: list[Event] = [{"a": "1", "b": ["2", "3"]}, {"b": "4"}, {"a": ["5", "6"]}]
    result = splunkd.search("| tiny", events, chunk_rows=2, trailing_empty=True)
    assert result.events == [{**event, "out": ["x", "y"]} for event in events]
