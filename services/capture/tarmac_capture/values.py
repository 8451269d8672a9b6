"""PostgreSQL's text of a value into the JSON that Debezium gives for it.

Called by `records`. Debezium's settings are: `time.precision.mode=adaptive`, its default, and
`decimal.handling.mode=string`. The server must write text as `SESSION` says. A type that is not
listed here raises UnsupportedType: no value is ever guessed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

#: What the server's text depends on, for every connection that values are read by.
SESSION: Mapping[str, str] = {
    "datestyle": "ISO",
    "timezone": "UTC",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "3",
}

#: Debezium's own, for what an update left as it was and the log does not hold.
UNAVAILABLE = "__debezium_unavailable_value"

_DAY_US = 86_400_000_000
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?")

Convert = Callable[[str], Any]


class UnsupportedType(Exception):
    """A column has a type that is not captured; the text says which and what to do."""


def _boolean(text: str) -> bool:
    return text == "t"


def _float(text: str) -> float | str:
    # JSON has no word for these three; Debezium's writer puts them in quotes.
    return text if text in ("NaN", "Infinity", "-Infinity") else float(text)


def _days(text: str) -> int:
    return (_date(text) - date(1970, 1, 1)).days


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UnsupportedType(f"the date {text!r} is outside the years 1 to 9999") from None


def _micros_of_day(text: str) -> int:
    found = _TIME.match(text)
    if found is None:
        raise UnsupportedType(f"the time {text!r} cannot be read")
    hours, minutes, seconds, fraction = found.groups()
    whole_s = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return whole_s * 1_000_000 + int((fraction or "0").ljust(6, "0"))


def _micros(text: str) -> int:
    """Return microseconds since 1970 of a timestamp without a zone."""
    day, _, time = text.partition(" ")
    return _days(day) * _DAY_US + _micros_of_day(time)


def _millis(text: str) -> int:
    return _micros(text) // 1000


def _millis_of_day(text: str) -> int:
    return _micros_of_day(text) // 1000


def _zoned(text: str, digits: int = 6) -> str:
    """Return a timestamp with a zone, which the session gives in UTC, as ISO 8601 with a Z."""
    day, _, time = text.partition(" ")
    _date(day)
    clock, _, fraction = time.partition("+")[0].partition(".")
    shown = "." + fraction.ljust(digits, "0") if digits else ""
    return f"{day}T{clock}{shown}Z"


def _numeric(text: str) -> str:
    return "NAN" if text == "NaN" else text


def _zoned_time(text: str) -> str:
    """Return a time with a zone in UTC, as ISO 8601 with a Z."""
    found = re.fullmatch(r"([\d:.]+)([+-])(\d\d)(?::(\d\d))?", text)
    if found is None:
        raise UnsupportedType(f"the time {text!r} cannot be read")
    clock, sign, hours, minutes = found.groups()
    ahead = timedelta(hours=int(hours), minutes=int(minutes or 0))
    at = datetime(2000, 1, 2, tzinfo=UTC) + timedelta(microseconds=_micros_of_day(clock))
    at = at - ahead if sign == "+" else at + ahead
    fraction = f".{at.microsecond:06d}".rstrip("0") if at.microsecond else ""
    return f"{at:%H:%M:%S}{fraction}Z"


def _base64(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text.removeprefix("\\x"))).decode()


#: By the type's oid in PostgreSQL's catalogue; the same in every database.
SCALARS: Mapping[int, Convert] = {
    16: _boolean,
    17: _base64,  # bytea
    18: str,  # "char"
    19: str,  # name
    20: int,
    21: int,
    23: int,
    26: int,  # oid
    25: str,  # text
    114: str,  # json
    142: str,  # xml
    650: str,  # cidr
    700: _float,
    701: _float,
    829: str,  # macaddr
    869: str,  # inet
    1042: str,  # character(n)
    1043: str,  # character varying
    1082: _days,
    1083: _micros_of_day,
    1114: _micros,
    1184: _zoned,
    1266: _zoned_time,
    1700: _numeric,
    2950: str,  # uuid
    3802: str,  # jsonb
    3904: str,  # int4range and the five others
    3906: str,
    3908: str,
    3910: str,
    3912: str,
    3926: str,
}
_ZONED = 1184
#: Of three digits and fewer Debezium makes milliseconds.
_COARSE: Mapping[int, Convert] = {1083: _millis_of_day, 1114: _millis}
#: Array types by their oid, with the oid of their elements.
ARRAYS: Mapping[int, int] = {
    1000: 16,
    1005: 21,
    1007: 23,
    1009: 25,
    1014: 1042,
    1015: 1043,
    1016: 20,
    1021: 700,
    1022: 701,
    1115: 1114,
    1182: 1082,
    1183: 1083,
    1185: 1184,
    1231: 1700,
    2951: 2950,
    199: 114,
    3807: 3802,
    1041: 869,
}


def converter(type_oid: int, modifier: int = -1) -> Convert | None:
    """Return how to convert a type's text; None for a type that is not supported."""
    if type_oid in ARRAYS:
        element = converter(ARRAYS[type_oid], modifier)
        assert element is not None  # noqa: S101 - each element's type is in SCALARS
        return lambda text: array(text, element)
    if type_oid == _ZONED and modifier >= 0:
        return partial(_zoned, digits=modifier)
    if type_oid in _COARSE and 0 <= modifier <= 3:
        return _COARSE[type_oid]
    return SCALARS.get(type_oid)


def unavailable(type_oid: int) -> Any:
    """Return what stands for a value that the log does not hold."""
    if type_oid in ARRAYS:
        return [unavailable(ARRAYS[type_oid])]
    return base64.b64encode(UNAVAILABLE.encode()).decode() if type_oid == 17 else UNAVAILABLE


def array(text: str, convert: Convert) -> list[Any]:
    """Return the elements of an array's text, `{1,NULL,"a b"}`; nested arrays are nested lists."""
    if text.startswith("["):
        # Bounds other than 1: [0:1]={1,2}
        text = text.partition("=")[2]
    stack: list[list[Any]] = []
    at, end = 0, len(text)
    found: list[Any] = []
    while at < end:
        char = text[at]
        if char == "{":
            stack.append([])
            at += 1
        elif char == "}":
            found = stack.pop()
            if stack:
                stack[-1].append(found)
            at += 1
        elif char == ",":
            at += 1
        elif char == '"':
            element, at = _quoted(text, at + 1)
            stack[-1].append(convert(element))
        else:
            begin = at
            while text[at] not in ",}":
                at += 1
            word = text[begin:at]
            stack[-1].append(None if word == "NULL" else convert(word))
    return found


def _quoted(text: str, at: int) -> tuple[str, int]:
    """Read to the closing quote; return what stood there and the place after it."""
    pieces = []
    while text[at] != '"':
        if text[at] == "\\":
            at += 1
        pieces.append(text[at])
        at += 1
    return "".join(pieces), at + 1
