"""Expressions of eval and where, as far as the app's dashboards use them.

A value is a str, a number, a bool, a list of str (multivalue) or None, which is Splunk's null.
What is not known here raises SplError, so that a mistyped function fails a test.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, Union

from tests.spl.syntax import SplError

Value = Union[str, float, int, bool, list[str], None]
Row = Mapping[str, Any]
Expression = Callable[[Row], Any]


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:\\.|[^"\\])*")
    | (?P<field>'[^']+')
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z_]\w*)
    | (?P<op><=|>=|!=|==|[-+*/%.=<>(),])
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r'\\(["\\])')


def unquote(text: str) -> str:
    """The value of a quoted string: only quote marks and backslashes are escaped in it."""
    return _ESCAPE.sub(r"\1", text[1:-1])


@dataclass(frozen=True)
class Clock:
    """What time it is, and where the user is, whose time zone texts of times are in."""

    now: float
    zone: tzinfo = timezone.utc

    def at(self, seconds: float) -> datetime:
        """A time as the user's clocks and calendar show it."""
        return datetime.fromtimestamp(seconds, self.zone)


def parse(text: str, clock: Clock) -> Expression:
    """The expression as a function of a row; raises SplError."""
    parser = _Parser(text, clock)
    expression = parser.expression()
    parser.expect_end()
    return expression


class _Parser:
    """Precedence climbing, in Splunk's order: NOT, ., * / %, + -, comparisons, AND, XOR, OR."""

    def __init__(self, text: str, clock: Clock) -> None:
        self.text = text
        self.clock = clock
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if not match:
                raise SplError(f"eval cannot read {text[at:][:40]!r} in {text!r}")
            self.tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            at = match.end()
        self.at = 0

    def expect_end(self) -> None:
        if self.at < len(self.tokens):
            raise SplError(f"unexpected {self.tokens[self.at][1]!r} in {self.text!r}")

    def expression(self) -> Expression:
        return self._either()

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def _keyword(self, *words: str) -> str:
        kind, text = self._peek()
        if kind == "word" and text.upper() in words:
            self.at += 1
            return text.upper()
        return ""

    def _operator(self, *operators: str) -> str:
        kind, text = self._peek()
        if kind == "op" and text in operators:
            self.at += 1
            return text
        return ""

    def _expect(self, operator: str) -> None:
        if not self._operator(operator):
            raise SplError(f"expected {operator} before {self._peek()[1]!r} in {self.text!r}")

    def _either(self) -> Expression:
        left = self._both()
        while self._keyword("OR"):
            left = _logic(left, self._both(), any)
        return left

    def _both(self) -> Expression:
        left = self._negation()
        while self._keyword("AND"):
            left = _logic(left, self._negation(), all)
        return left

    def _negation(self) -> Expression:
        if self._keyword("NOT"):
            inner = self._negation()
            return lambda row: not truth(inner(row))
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._sum()
        operator = self._operator("=", "==", "!=", "<", ">", "<=", ">=")
        if operator:
            return _compare(operator, left, self._sum())
        if self._keyword("LIKE"):
            right = self._sum()
            return lambda row: like(left(row), right(row))
        if self._keyword("IN"):
            self._expect("(")
            choices = self._arguments()
            return lambda row: any(equal(left(row), choice(row)) for choice in choices)
        return left

    def _sum(self) -> Expression:
        left = self._product()
        while operator := self._operator("+", "-"):
            left = _arithmetic(operator, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._concatenation()
        while operator := self._operator("*", "/", "%"):
            left = _arithmetic(operator, left, self._concatenation())
        return left

    def _concatenation(self) -> Expression:
        left = self._atom()
        while self._operator("."):
            left = _concatenate(left, self._atom())
        return left

    def _atom(self) -> Expression:
        kind, text = self._peek()
        self.at += 1
        if kind == "string":
            constant = unquote(text)
            return lambda row: constant
        if kind == "number":
            number = float(text) if "." in text else int(text)
            return lambda row: number
        if kind == "field":
            return _field(text[1:-1])
        if kind == "op" and text == "(":
            inner = self.expression()
            self._expect(")")
            return inner
        if kind == "op" and text == "-":
            operand = self._atom()
            return lambda row: -number_of(operand(row), 0)
        if kind == "word":
            if self._operator("("):
                return self._call(text.lower())
            return _field(text)
        raise SplError(f"unexpected {text!r} in {self.text!r}")

    def _arguments(self) -> list[Expression]:
        if self._operator(")"):
            return []
        arguments = [self.expression()]
        while self._operator(","):
            arguments.append(self.expression())
        self._expect(")")
        return arguments

    def _call(self, name: str) -> Expression:
        arguments = self._arguments()
        if name in _LAZY:
            lazy = _LAZY[name]
            return lambda row: lazy(row, arguments)
        if name == "now":
            return lambda row: int(self.clock.now)
        if name in _OF_TIME:
            timed = _OF_TIME[name]
            return lambda row: timed(self.clock, *[argument(row) for argument in arguments])
        if name not in _FUNCTIONS:
            raise SplError(f"the eval function {name} is not known here")
        function = _FUNCTIONS[name]
        return lambda row: function(*[argument(row) for argument in arguments])


def _field(name: str) -> Expression:
    def read(row: Row) -> Any:
        return row.get(name)

    read.field = name  # type: ignore[attr-defined]
    return read


def truth(value: Any) -> bool:
    """What if, case and where make of a value; only true is true."""
    return value is True


def number_of(value: Any, default: Any = None) -> Any:
    """The value as a number, `default` where it is none."""
    if isinstance(value, bool) or value is None or isinstance(value, list):
        return default
    if isinstance(value, (int, float)):
        return value
    try:
        number = float(value)
    except ValueError:
        return default
    return int(number) if number.is_integer() and "." not in value and "e" not in value else number


def text_of(value: Any) -> Any:
    """The value as Splunk writes it into a cell: str, list of str, or None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        found = [str(text_of(each)) for each in value]
        return found if len(found) > 1 else (found[0] if found else None)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.6f}".rstrip("0")
    return str(value)


def values_of(value: Any) -> list[str]:
    """The value as a list: none for null."""
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(text_of(value))]


def equal(left: Any, right: Any) -> bool:
    """Equality as in where: a multivalue field is equal where one of its values is."""
    if left is None or right is None:
        return False
    return any(
        a == b or (number_of(a) is not None and number_of(a) == number_of(b))
        for a in values_of(left)
        for b in values_of(right)
    )


def like(value: Any, pattern: Any) -> bool:
    """LIKE: % for anything, _ for one character, case matters.

    What a backslash in the pattern does is not documented, and so no pattern may have one.
    """
    if value is None or pattern is None:
        return False
    if "\\" in str(pattern):
        raise SplError("a backslash in the pattern of like(): take split() for any text")
    regex = re.escape(str(pattern)).replace("%", ".*").replace("_", ".")
    return any(re.fullmatch(regex, each, re.DOTALL) for each in values_of(value))


def _logic(
    left: Expression, right: Expression, together: Callable[[list[bool]], bool]
) -> Expression:
    return lambda row: together([truth(left(row)), truth(right(row))])


def _compare(operator: str, left: Expression, right: Expression) -> Expression:
    def compare(row: Row) -> Any:
        a, b = left(row), right(row)
        if a is None or b is None:
            return None
        if operator in ("=", "=="):
            return equal(a, b)
        if operator == "!=":
            return not equal(a, b)
        x, y = number_of(a), number_of(b)
        if x is None or y is None:
            x, y = str(text_of(a)), str(text_of(b))
        return {"<": x < y, ">": x > y, "<=": x <= y, ">=": x >= y}[operator]

    compare.filtered = getattr(left, "field", None)  # type: ignore[attr-defined]
    return compare


def _arithmetic(operator: str, left: Expression, right: Expression) -> Expression:
    def calculate(row: Row) -> Any:
        a, b = left(row), right(row)
        x, y = number_of(a), number_of(b)
        if x is None or y is None:
            if operator == "+" and isinstance(a, str) and isinstance(b, str):
                return a + b
            return None
        if operator in "/%" and y == 0:
            return None
        if operator == "/":
            return x / y
        return {"+": x + y, "-": x - y, "*": x * y, "%": x % y if y else None}[operator]

    return calculate


def _concatenate(left: Expression, right: Expression) -> Expression:
    def concatenate(row: Row) -> Any:
        a, b = left(row), right(row)
        if a is None or b is None:
            return None
        if isinstance(a, list) or isinstance(b, list):
            raise SplError("concatenating multivalue fields is not known here; use mvmap or mvjoin")
        return str(text_of(a)) + str(text_of(b))

    return concatenate


def _if(row: Row, arguments: list[Expression]) -> Any:
    condition, then, otherwise = arguments
    return then(row) if truth(condition(row)) else otherwise(row)


def _case(row: Row, arguments: list[Expression]) -> Any:
    if len(arguments) % 2:
        raise SplError("case takes conditions and values in pairs")
    for condition, value in zip(arguments[::2], arguments[1::2]):
        if truth(condition(row)):
            return value(row)
    return None


def _coalesce(row: Row, arguments: list[Expression]) -> Any:
    return next((found for each in arguments if (found := each(row)) is not None), None)


def _isnull(row: Row, arguments: list[Expression]) -> bool:
    return arguments[0](row) is None


def _isnotnull(row: Row, arguments: list[Expression]) -> bool:
    return arguments[0](row) is not None


def _mvmap(row: Row, arguments: list[Expression]) -> Any:
    name = getattr(arguments[0], "field", None)
    if name is None:
        raise SplError("mvmap takes a field here")
    found = [arguments[1]({**row, name: each}) for each in values_of(row.get(name))]
    return text_of([text_of(each) for each in found if each is not None])


def _mvfilter(row: Row, arguments: list[Expression]) -> Any:
    held = getattr(arguments[0], "filtered", None)
    if held is None:
        raise SplError("mvfilter takes one comparison of a field here")
    return text_of([each for each in values_of(row.get(held)) if truth(arguments[0]({held: each}))])


_LAZY: dict[str, Callable[[Row, list[Expression]], Any]] = {
    "if": _if,
    "case": _case,
    "coalesce": _coalesce,
    "isnull": _isnull,
    "mvfilter": _mvfilter,
    "mvmap": _mvmap,
    "isnotnull": _isnotnull,
}


def _single(function: Callable[..., Any]) -> Callable[..., Any]:
    """Splunk's text functions give null for null, and are not to be used on several values."""

    def apply(value: Any, *arguments: Any) -> Any:
        if value is None or None in arguments:
            return None
        if isinstance(value, list):
            raise SplError(f"{function.__name__} of several values; take mvindex or mvjoin first")
        return function(str(text_of(value)), *arguments)

    return apply


def _substr(text: str, start: Any, length: Any = None) -> str:
    first = int(start) - 1 if int(start) > 0 else len(text) + int(start)
    return text[first:] if length is None else text[first : first + int(length)]


def _replace(text: str, pattern: str, replacement: str) -> str:
    return re.sub(pattern, re.sub(r"\\(\d)", r"\\g<\1>", replacement), text)


def _split(text: str, delimiter: str) -> list[str]:
    return text.split(delimiter) if delimiter else list(text)


def _of_text(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose first argument is a text; a truth value there is an error to splunkd."""

    def checked(subject: Any, *rest: Any) -> Any:
        if isinstance(subject, bool):
            raise SplError("a truth value stands where a text should")
        return function(subject, *rest)

    return checked


def _match(text: str, pattern: str) -> bool:
    return re.search(pattern, text) is not None


def _strftime(clock: Clock, value: Any, form: str) -> Any:
    seconds = number_of(value)
    return None if seconds is None else clock.at(seconds).strftime(form)


def _strptime(clock: Clock, text: Any, form: str) -> Any:
    if text is None:
        return None
    try:
        return datetime.strptime(str(text_of(text)), form).replace(tzinfo=clock.zone).timestamp()
    except ValueError:
        return None


def relative_time(clock: Clock, value: Any, modifier: str) -> Any:
    """`-7d@d` and the like, seen from `value`; raises SplError where it is no such thing."""
    at = clock.at(number_of(value))
    match = re.fullmatch(r"([+-]\d+)?(s|m|h|d|w)?(?:@(h|d))?", modifier)
    if not match:
        raise SplError(f"{modifier!r} is no time here")
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    if match[1]:
        at += timedelta(seconds=int(match[1]) * units[match[2] or "s"])
    if match[3]:
        at = at.replace(minute=0, second=0, microsecond=0)
        at = at.replace(hour=0) if match[3] == "d" else at
    return at.timestamp()


_OF_TIME: dict[str, Callable[..., Any]] = {
    "strftime": _strftime,
    "strptime": _strptime,
    "relative_time": relative_time,
}


def _round(value: Any, digits: Any = 0) -> Any:
    number = number_of(value)
    if number is None:
        return None
    # Half up, as C does, not to even.
    scaled = number * 10 ** int(digits)
    rounded = int(scaled + (0.5 if scaled >= 0 else -0.5)) / 10 ** int(digits)
    return int(rounded) if not digits else rounded


def _mvindex(value: Any, start: Any, end: Any = None) -> Any:
    values = values_of(value)
    first = int(start)
    if end is None:
        return values[first] if -len(values) <= first < len(values) else None
    last = int(end)
    chosen = values[first:] if last == -1 else values[first : last + 1]
    return text_of(chosen)


def _mvjoin(value: Any, delimiter: Any) -> Any:
    return None if value is None else str(delimiter).join(values_of(value))


def _mvappend(*arguments: Any) -> Any:
    return text_of([each for argument in arguments for each in values_of(argument)])


def _mvdedup(value: Any) -> Any:
    return text_of(list(dict.fromkeys(values_of(value))))


def _mvfind(value: Any, pattern: Any) -> Any:
    found = (i for i, each in enumerate(values_of(value)) if re.search(str(pattern), each))
    return next(found, None)


def _mvcount(value: Any) -> Any:
    return len(values_of(value)) or None


def _mvsort(value: Any) -> Any:
    return text_of(sorted(values_of(value)))


def _tostring(value: Any, form: Any = None) -> Any:
    number = number_of(value)
    if form == "commas" and number is not None:
        return f"{number:,}"
    return text_of(value)


def _json_object(*arguments: Any) -> str:
    pairs = zip(arguments[::2], arguments[1::2])
    return json.dumps({str(key): value for key, value in pairs}, ensure_ascii=False)


def _json_extract_exact(text: Any, key: Any) -> Any:
    """A key's value as it is, whatever characters are in the key; a list stays JSON."""
    try:
        value = json.loads(text)[key]
    except (TypeError, ValueError, LookupError):
        return None
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value


def _json_array_to_mv(text: Any) -> Any:
    try:
        values = json.loads(text)
    except (TypeError, ValueError):
        return None
    return text_of([str(each) for each in values]) if isinstance(values, list) else None


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    def apply(*arguments: Any) -> Any:
        numbers = [n for each in arguments if (n := number_of(each)) is not None]
        return choose(numbers) if numbers else None

    return apply


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "lower": _single(str.lower),
    "upper": _single(str.upper),
    "trim": _single(lambda text, characters=" \t": text.strip(characters)),
    "ltrim": _single(lambda text, characters=" \t": text.lstrip(characters)),
    "rtrim": _single(lambda text, characters=" \t": text.rstrip(characters)),
    "len": _single(len),
    "substr": _single(_substr),
    "replace": _single(_replace),
    "split": _single(_split),
    "match": _of_text(_single(_match)),
    "like": like,
    "sha256": _single(lambda text: hashlib.sha256(text.encode()).hexdigest()),
    "abs": lambda value: None if number_of(value) is None else abs(number_of(value)),
    "round": _round,
    "floor": lambda value: None if number_of(value) is None else int(number_of(value) // 1),
    "tonumber": number_of,
    "tostring": _tostring,
    "min": _extreme(min),
    "max": _extreme(max),
    "mvindex": _mvindex,
    "mvjoin": _mvjoin,
    "mvappend": _mvappend,
    "mvdedup": _mvdedup,
    "mvfind": _mvfind,
    "mvcount": _mvcount,
    "mvsort": _mvsort,
    "json_array_to_mv": _json_array_to_mv,
    "json_extract_exact": _json_extract_exact,
    "json_object": _json_object,
    "null": lambda: None,
    "true": lambda: True,
    "false": lambda: False,
}


def wildcard(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern of the search command: * for anything, case does not matter."""
    regex = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(regex, text, re.IGNORECASE | re.DOTALL) is not None
