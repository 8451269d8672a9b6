"""What controllers refuse in objects of their kinds: assets/kind_rules.yaml, read once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from tarmac.artifact import Artifact
from tarmac.errors import did_you_mean
from tarmac.gates.views.objects.api_rules import Breach, is_typo, leaves
from tarmac.gates.views.objects.forms import FORMS, is_filled
from tarmac.gates.views.objects.metadata import kind_of
from tarmac.gates.views.reading import ITEM

FILE = files("tarmac") / "assets" / "kind_rules.yaml"
#: Begins a place that may be at any depth.
DEEP = "**"


@cache
def kind_rules() -> Any:
    """Read all of them."""
    return yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)


@cache
def has_rules(kind: str) -> bool:
    """Tell whether there are rules for a kind."""
    return any(kind in rules for rules in kind_rules().values())


def kind_breaches(artifact: Artifact) -> Iterator[Breach]:
    """Yield each value of an object that its controller refuses."""
    kind = kind_of(artifact)
    if not has_rules(kind):
        return
    own = {section: rules.get(kind, {}) for section, rules in kind_rules().items()}
    for path, value in leaves(artifact.data):
        whole = ".".join(ITEM if isinstance(key, int) else key for key in path)
        for section, judge in _JUDGES.items():
            for place, rule in own[section].items():
                if _is_at(whole, place) and (what := judge(value, rule)):
                    yield Breach(path, what)


def _is_at(whole: str, place: str) -> bool:
    deep = place.startswith(DEEP)
    return whole.endswith(place.removeprefix(DEEP)) if deep else whole == place


def _bounds(value: Any, bounds: list[int]) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    least, *most = bounds
    if value < least:
        return f"is {value}, and must be {least} at least; write such a number"
    if most and value > most[0]:
        return f"is {value}, and must be {most[0]} at most; write such a number"
    return ""


def _form(value: Any, name: str) -> str:
    form = FORMS[name]
    # An empty text is taken for one that is not there.
    if not isinstance(value, str) or not value or form.holds(value):
        return ""
    if is_filled(value) and name != "cron":
        return ""
    return f"is {value!r}, which is {form.title}; write e.g. {form.example}"


def _choice(value: Any, words: list[str]) -> str:
    if not isinstance(value, str) or value in words or is_filled(value):
        return ""
    return f"is {value!r}, which is not known; {did_you_mean(value, words)}"


def _near(value: Any, words: list[str]) -> str:
    near = [word for word in words if is_typo(str(value), word)]
    return f"is {value!r}, which is almost {near[0]}; write that" if near else ""


_JUDGES: dict[str, Callable[[Any, Any], str]] = {
    "bounds": _bounds,
    "forms": _form,
    "choices": _choice,
    "nearly": _near,
}
