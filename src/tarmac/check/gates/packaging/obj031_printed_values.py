"""Templates of charts print values as they are: a default leaves false alone, numbers are whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.files import charts
from tarmac.check.gates.views.charts.texts import chart_texts, values_beside
from tarmac.check.gates.views.scope import counted_in_files

_ACTION = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_VALUE = r"\$?\.Values((?:\.[A-Za-z_]\w*)+)"
_CONSTANT = r"(true|[1-9]\d*)"
#: How a value gets another one for what Helm takes as empty.
_DEFAULTS = (
    re.compile(rf"{_VALUE}\s*\|\s*default\s+\(?{_CONSTANT}\b"),
    re.compile(rf"\bdefault\s+\(?{_CONSTANT}\)?\s+\(?{_VALUE}(?![\w.])()"),
)
#: A number alone in an action: what is done to it keeps it a float.
_NUMBER = re.compile(
    rf"\s*(?:(?:quote|squote|toString|print)\s+)?{_VALUE}\s*((?:\|\s*(?:quote|squote|toString)\s*)*)"
)
#: From here on Go prints a float with an exponent.
_LARGE = 1_000_000
#: Below this a float has each digit, and from here on no whole number of Go holds it.
_EXACT, _LARGEST = 10**15, 2**63
_TEXT = ("quote", "squote", "toString", "print")


def check(files: Files) -> Iterator[Finding]:
    """Yield defaults that replace false, and numbers that are printed with an exponent."""
    for chart in charts(files):
        every = [chart.values, *values_beside(files, chart.folder)]
        for path, text in chart_texts(files, chart.folder):
            for action in _ACTION.finditer(text):
                where = f"{path}:{text.count(chr(10), 0, action.start()) + 1}"
                for what, warning in _replaced(action[1], every):
                    yield Finding(where, what, warning=warning)
                if what := _rounded(text, action, every):
                    yield Finding(where, what)


def _replaced(action: str, every: Sequence[Artifact]) -> Iterator[tuple[str, bool]]:
    found = [(one[1], one[2]) for one in _DEFAULTS[0].finditer(action)]
    found += [(one[2], one[1]) for one in _DEFAULTS[1].finditer(action)]
    for name, instead in found:
        values = [_value(one.data, name) for one in every]
        if instead == "true":
            what = f"gives {name[1:]} the default true, which Helm takes for false as well"
            if any(value is False for value in values):
                said = (
                    f"{what}: it is false in the values, and always true here; remove the default"
                )
                yield said, False
            elif not any(isinstance(value, str) for value in values):
                yield f"{what}, so it cannot be switched off; write it into values.yaml", True
        elif any(value == 0 and value is not False for value in values):
            what = f"gives {name[1:]} the default {instead}, which Helm takes for 0 as well: it is"
            yield f"{what} 0 in the values, and {instead} here; remove the default", True


def _rounded(text: str, action: re.Match[str], every: Sequence[Artifact]) -> str:
    """Return what is wrong with a number that is printed as a text; "" for nothing."""
    found = _NUMBER.fullmatch(action[1].rstrip())
    if found is None:
        return ""
    value = next((one for one in (_value(artifact.data, found[1]) for artifact in every)
                  if isinstance(one, int) and not isinstance(one, bool)), 0)  # fmt: skip
    is_text = any(word in action[1] for word in _TEXT)
    before, after = text[: action.start()][-1:], text[action.end() :][:1]
    is_part = before in ("=", '"', "'", "/") or after in ('"', "'")
    if abs(value) < _LARGE or not (is_text or is_part):
        return ""
    what = f"prints {found[1][1:]} ({value}) as a text, and Helm has numbers of values as floats"
    advice = (
        "write `| int64` before it is printed" if abs(value) < _LARGEST else "write it in quotes"
    )
    return f"{what}: it is {_printed(value)}; {advice}"


def _printed(value: int) -> str:
    """Print a number as Go prints a float."""
    sign = "-" if value < 0 else ""
    kept = repr(float(abs(value))).partition("e")[0].replace(".", "")
    digits = str(abs(value)) if abs(value) < _EXACT else kept.ljust(len(str(abs(value))), "0")
    tail = digits[1:].rstrip("0")
    return f"{sign}{digits[0]}{'.' if tail else ''}{tail}e+{len(digits) - 1:02}"


def _value(values: Any, name: str) -> Any:
    for key in name[1:].split("."):
        if not isinstance(values, Mapping):
            return None
        values = values.get(key)
    return values


GATE = Gate(
    id="OBJ031",
    title="Templates print values as they are written",
    phase="kubernetes",
    source="https://helm.sh/docs/chart_template_guide/function_list/#default: false and 0 are "
    "empty; https://github.com/helm/helm/issues/1707: numbers of values are floats",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("charts", charts),
    targets=(),
    reads="`default` with true or a number, and whole numbers from a million on that are quoted or "
    "part of a text, beside the values of the chart. Judges files without a plan only.",
)
