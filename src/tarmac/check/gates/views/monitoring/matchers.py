"""Matchers of Alertmanager's routes and inhibitions, in each form that is written."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from tarmac.base.foreign.reading import Fields, fields

_MATCHER = re.compile(r"\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
#: A pattern that is written where a value is.
_PATTERN = re.compile(r"\*|.*\.[*+].*|\w[\w-]*(\|[\w-]+)+")
_PLAIN = re.compile(r"[\w-]+(\|[\w-]+)*")


class AlertMatcher(NamedTuple):
    """What a matcher asks of one label."""

    label: str
    sign: str
    value: str

    @property
    def values(self) -> frozenset[str] | None:
        """The values that it takes; None: any that a pattern tells."""
        if self.sign == "=":
            return frozenset((self.value,))
        if self.sign == "=~" and _PLAIN.fullmatch(self.value.strip("()")):
            return frozenset(self.value.strip("()").split("|"))
        return None

    @property
    def misread(self) -> str:
        """Say how a pattern is compared as a text; "" where it is none."""
        is_any = self.label == "alertname" and "*" in self.value
        is_pattern = _PATTERN.fullmatch(self.value) or is_any
        if self.sign != "=" or not is_pattern or set("${") & set(self.value):
            return ""
        pattern = self.value if "*" not in self.value or ".*" in self.value else ".+"
        what = f'{self.label}="{self.value}" compares a pattern as it stands, and no value is that'
        return f'{what}; write {self.label}=~"{pattern}"'


def matchers(holder: Fields, side: str = "") -> tuple[AlertMatcher, ...]:
    """Read what a route, or one side of an inhibition, asks of labels; in each form of it."""
    found = []
    written = holder.get(f"{side}matchers")
    for entry in written if isinstance(written, list | tuple) else (written or "",):
        parts = re.split(r",(?=\s*[a-zA-Z_]\w*\s*[=!])", str(entry).strip("{} "))
        read = (match for one in parts if (match := _MATCHER.fullmatch(one)))
        found += [AlertMatcher(one[1], one[2], one[3].strip("\"'")) for one in read]
    for key, sign in ((f"{side}match", "="), (f"{side}match_re", "=~")):
        found += [AlertMatcher(str(k), sign, str(v)) for k, v in fields(holder, key).items()]
    return tuple(found)


def has_unread(route: Fields) -> bool:
    """Tell whether some of a route's matchers could not be read."""
    written: Any = route.get("matchers") or ()
    return len(matchers({"matchers": written})) < (
        len(written) if isinstance(written, list | tuple) else 1
    )
