"""Routes and inhibitions of Alertmanager match some alert, and templates read what is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, Path, fields, items, mappings, places, string, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.alert_files import configurations
from tarmac.check.gates.views.monitoring.known_alerts import KnownAlert, known_alerts
from tarmac.check.gates.views.monitoring.matchers import AlertMatcher, has_unread, matchers
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.templates import dots_set

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
#: Parts of one alert; a template is given a group of them.
_OF_ALERT = re.compile(
    r"(?<![\w.)$])\.(Labels|Annotations|StartsAt|EndsAt|GeneratorURL|Fingerprint)\b"
)
_OF_RULES = re.compile(r"\$(labels|value|externalLabels)\b")
#: Severities of alerts for other programs.
_UNTOLD = (None, "none", "info", "informational", "debug")
#: Periods are named by these keys of a route.
_TIMES = ("mute_time_intervals", "active_time_intervals")


def check(files: Files) -> Iterator[Finding]:
    """Yield routes that get no alert, inhibitions that mute none, and texts that fail."""
    alerts = known_alerts(files)
    for artifact in configurations(files):
        for path, what in (*_faults(artifact), *_always(artifact, alerts)):
            yield Finding(artifact.at(*path), f"{'.'.join(map(str, path))} {what}")
        for alert in _dropped(artifact, alerts):
            root = string(artifact.data, "route", "receiver")
            what = f"{alert.name} ({alert.said}) matches no route, and {root} tells none of it"
            yield Finding(alert.where, f"{what}; correct its labels, or the routes")


def _always(artifact: Artifact, alerts: list[KnownAlert]) -> Iterator[tuple[Path, str]]:
    """Yield inhibitions whose source fires for ever."""
    for number, rule in enumerate(items(artifact.data, "inhibit_rules")):
        source = matchers(fields(rule), "source_")
        for alert in alerts if source and not items(rule, "equal") else ():
            if alert.is_constant and all(alert.is_taken(one) for one in source):
                what = f"mutes its targets for ever: {alert.name}, its source, always fires"
                yield ("inhibit_rules", number), f"{what}; name what fires at a fault"


def _dropped(artifact: Artifact, alerts: list[KnownAlert]) -> Iterator[KnownAlert]:
    """Yield alerts that no route takes where the first receiver has no channel."""
    root = fields(artifact.data, "route")
    receivers = {string(one, "name"): one for one in mappings(artifact.data.get("receivers"))}
    own = receivers.get(string(root, "receiver"))
    below = [fields(one) for one in items(root, "routes")]
    if own is None or any(key.endswith("_configs") for key in own) or not below:
        return
    if any(has_unread(one) for one in below):
        return
    for alert in alerts:
        is_for_none = alert.is_constant or alert.labels.get("severity") in _UNTOLD
        if not is_for_none and not any(alert.may_be_taken(matchers(one)) for one in below):
            yield alert


def _faults(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    data = artifact.data
    root = fields(data, "route")
    known = {
        str(text(one, "name"))
        for key in ("time_intervals", "mute_time_intervals")
        for one in mappings(data.get(key))
    }
    yield from _route(root, ("route",), (), known)
    for number, rule in enumerate(items(data, "inhibit_rules")):
        yield from _inhibition(fields(rule), ("inhibit_rules", number))
    for path, written in places(data.get("receivers"), ("receivers",)):
        if "{{" in written and (what := _text(written)):
            yield path, what


def _route(
    route: Fields, path: Path, above: tuple[AlertMatcher, ...], known: set[str]
) -> Iterator[tuple[Path, str]]:
    for key in _TIMES:
        for name in items(route, key):
            if str(name) not in known:
                what = f"names the interval {name}, which is not defined: the file is refused"
                yield (*path, key), f"{what}; {did_you_mean(str(name), sorted(known))}"
    earlier: list[tuple[int, tuple[AlertMatcher, ...]]] = []
    for number, below in enumerate(items(route, "routes")):
        here, own = (*path, "routes", number), (*above, *matchers(fields(below)))
        for what in filter(None, (one.misread for one in matchers(fields(below)))):
            yield here, f"matches no alert: {what}"
        if label := _contradicts(own):
            yield here, f"matches no alert: its routes ask for two values of {label}; correct one"
        first = next((place for place, other in earlier if _takes(other, own)), None)
        if first is not None and own != above:
            what = (
                f"gets no alert: routes.{first} before it takes all of them and does not continue"
            )
            yield here, f"{what}; write it first"
        yield from _route(fields(below), here, own, known)
        asked = matchers(fields(below))
        own_way = fields(below)
        goes_on = any(own_way.get(key) for key in ("continue", *_TIMES))
        if asked and not goes_on and not has_unread(own_way):
            earlier.append((number, asked))


def _contradicts(asked: tuple[AlertMatcher, ...]) -> str:
    """Name the label of which two of these ask different values; "" without one."""
    values: dict[str, frozenset[str]] = {}
    for one in asked:
        if (own := one.values) is not None:
            values[one.label] = values.get(one.label, own) & own
            if not values[one.label]:
                return one.label
    for one in asked:
        own = values.get(one.label)
        if one.sign == "!=" and own == frozenset((one.value,)):
            return one.label
    return ""


def _takes(wide: tuple[AlertMatcher, ...], narrow: tuple[AlertMatcher, ...]) -> bool:
    """Tell whether each alert that the second ones match is matched by the first ones."""
    return all(any(_implies(given, one) for given in narrow) for one in wide)


def _implies(given: AlertMatcher, asked: AlertMatcher) -> bool:
    if given == asked:
        return True
    if given.label != asked.label or given.values is None:
        return False
    if asked.sign == "!=":
        return asked.value not in given.values
    if asked.sign == "=":
        return given.values == {asked.value}
    try:
        return all(
            bool(re.fullmatch(asked.value, value)) is (asked.sign == "=~") for value in given.values
        )
    except re.error:
        return False


def _inhibition(rule: Fields, path: Path) -> Iterator[tuple[Path, str]]:
    source, target = matchers(rule, "source_"), matchers(rule, "target_")
    for what in filter(None, (one.misread for one in (*source, *target))):
        yield path, f"mutes nothing: {what}"
    for side, asked in (("source", source), ("target", target)):
        if label := _contradicts(asked):
            what = f"mutes nothing: no alert has two values of {label} (its {side}_matchers)"
            yield path, f"{what}; write two rules, or =~ with both"
    if source and set(source) == set(target):
        yield path, "mutes nothing: what is its source is never muted; name other alerts as target"
    for label in items(rule, "equal"):
        asked_of = [one.values for one in source if one.label == label]
        muted = [one.values for one in target if one.label == label]
        for one, other in zip(asked_of, muted, strict=False):
            if one and other and not one & other:
                what = f"mutes nothing: both must have the same {label}, and their matchers differ"
                yield path, f"{what}; remove {label} from `equal`"


def _text(written: str) -> str:
    """Say how a template fails; "" where it does not, as far as can be told."""
    actions = _ACTION.findall(written)
    for action, is_set in zip(actions, dots_set(actions), strict=True):
        if found := _OF_RULES.search(action):
            return f"reads ${found[1]}, which only rules have: the text fails; read .CommonLabels"
        if not is_set and (found := _OF_ALERT.search(action)):
            instead = f".Common{found[1]}" if found[1] in ("Labels", "Annotations") else ".Alerts"
            what = (
                f"reads .{found[1]} of a group of alerts, which only one alert has: the text fails"
            )
            return f"{what}; read {instead}, or `range .Alerts`"
    return ""


GATE = Gate(
    id="OBS026",
    title="Routes and inhibitions of Alertmanager match alerts, and its texts can be written",
    phase="observability",
    source="https://prometheus.io/docs/alerting/latest/configuration/#route: the first route that "
    "matches takes an alert, so one behind a wider one is never asked",
    check=check,
    of_files=check,
    scope=counted_in_files("configurations of Alertmanager", configurations),
    #: OBS011 routes the alerts of a plan.
    targets=(),
    reads="matchers of routes and inhibitions, as far as they name values, beside the alerts of "
    "these files; periods; templates in receivers. Judges files without a plan only: "
    "OBS011 and OBS013 check more of a plan.",
)
