"""Rules of the API server that no schema has: numbers within bounds, and words that it knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml
from cronsim import CronSim, CronSimError

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import ITEM
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.leniency import lenient
from tarmac.check.gates.views.objects.api_rules import Breach, breaches, is_ruled, is_typo, leaves
from tarmac.check.gates.views.objects.metadata import kind_of, title
from tarmac.check.gates.views.scope import counted_in_files

#: In a template, or filled in by a program: not to be judged.
_FILLED = re.compile(r"\{\{|\$[({\w]|<[\w-]+>|\*")
#: cron's words for a schedule, and robfig's, which controllers of Kubernetes parse by.
_EVERY = re.compile(r"@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)")
_ZONE = re.compile(r"(CRON_)?TZ=\S+ +")

FILE = files("tarmac") / "assets" / "kind_rules.yaml"
#: Begins a place that may be at any depth.
DEEP = "**"


def check(files: Files) -> Iterator[Finding]:
    """Yield values that an API server refuses, or takes and never acts on."""
    for artifact in _ruled(files):
        own = breaches(artifact) if is_ruled(artifact) else ()
        for breach in {found.path: found for found in (*own, *kind_breaches(artifact))}.values():
            where = ".".join(map(str, breach.path))
            what = f"{where} of {title(artifact)} {breach.what}"
            yield Finding(artifact.at(*breach.path), what, fix=breach.fix)


def _ruled(files: Files) -> list[Artifact]:
    return [one for one in files.objects() if is_ruled(one) or has_rules(kind_of(one))]


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
        return f"is {value}; must be at least {least}"
    if most and value > most[0]:
        return f"is {value}; must be at most {most[0]}"
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


class Form(NamedTuple):
    """What a text must be."""

    #: For a reader: `not a duration`.
    title: str
    example: str
    holds: Callable[[str], bool]


def _is_like(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _is_schedule(text: str) -> bool:
    if _EVERY.fullmatch(text):
        return True
    try:
        # One that never runs, as of 30 February, has no next run.
        return (
            next(CronSim(_ZONE.sub("", text), datetime(2026, 1, 1, tzinfo=UTC)), None) is not None
        )
    except CronSimError:
        return False


FORMS = {
    "duration": Form("not a duration", "30s", _is_like(r"0|(\d+(\.\d+)?(ns|us|ms|s|m|h|d|w|y))+")),
    "seconds": Form("not a duration", "30s", _is_like(r"(\d+(\.\d+)?(ns|us|ms|s|m|h))+")),
    "cron": Form("not a schedule that ever runs", "15 3 * * *", _is_schedule),
    "url": Form("not a URL", "https://host.example.com", _is_like(r"[a-z][a-z0-9+]*://\S+")),
    "repository": Form(
        "not a repository", "https://git.example.com/team/deploy.git", _is_like(r".*[./:].*")
    ),
    "namespace": Form("not a namespace", "orders", _is_like(r"!?[a-z0-9]([-a-z0-9]*[a-z0-9])?")),
    "kind": Form("not a kind", "Deployment", _is_like(r"[A-Z][A-Za-z0-9]*")),
    "path": Form("not a path", "/metrics", _is_like(r"/.*")),
}


def is_filled(text: str) -> bool:
    """Tell whether a text has parts that a program fills in, or stands for several."""
    return _FILLED.search(text) is not None


GATE = Gate(
    id="OBJ011",
    title="An API server accepts the numbers and enumerated values of all objects",
    phase="kubernetes",
    source="a schema says that a period is a number; that 0 is none, the API server says when it is"
    " too late, or a controller never acts",
    check=check,
    #: Other controllers have kinds of their own for these.
    of_files=lenient(check, "issuerRef", "certificateRefs"),
    scope=counted_in_files("objects", _ruled),
    reads="bounds and words of assets/object_rules.yaml in objects of Kubernetes' own groups, and "
    "those of assets/kind_rules.yaml in objects of others, with the form of durations, schedules "
    "and addresses. A text that is filled in by a program is not judged.",
)
