"""Alertmanager's routes end at receivers that notify, and its inhibitions are bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, items, mappings, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.alert_files import configurations
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.scope import counted_in_files

TIMES = ("group_wait", "group_interval", "repeat_interval", "resolve_timeout")
MATCHERS = ("matchers", "match", "match_re")
#: The names of receivers that are to notify nothing.
SILENT = ("none", "null", "blackhole", "default", "devnull")
_ANY = re.compile(r"\s*\{?\s*\"?alertname\"?\s*=~\s*[\"']?\.[*+][\"']?\s*\}?\s*")
#: What says where a receiver of each kind is; the `_file` of it does, too.
TARGETS = {
    "slack_configs": "api_url", "pagerduty_configs": "routing_key", "webhook_configs": "url",
    "email_configs": "to", "opsgenie_configs": "api_key", "msteams_configs": "webhook_url",
}  # fmt: skip
#: What says it for all receivers of a kind, under `global`.
FOR_ALL = {
    "slack_configs": ("slack_api_url", "slack_app_token"),
    "opsgenie_configs": ("opsgenie_api_key",),
}
ENDS = ("", "_file")
#: The kinds that tell of resolved alerts only where they are asked to.
QUIET = ("email_configs", "slack_configs", "wechat_configs")


def check(files: Files) -> Iterator[Finding]:
    """Yield routes without a receiver, receivers that notify nothing, and odd durations."""
    for artifact in configurations(files):
        for path, what in faults(artifact):
            where = ".".join(map(str, path))
            yield Finding(artifact.at(*path), f"{where} {what}")


def faults(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield where a configuration is wrong, and how."""
    data = artifact.data
    names = {str(text(one, "name")) for one in mappings(data.get("receivers"))}
    used = set[str]()
    root = fields(data, "route")
    if not text(root, "receiver"):
        yield ("route",), "has no default receiver; write `receiver`"
    for path, route in _routes(root, ("route",)):
        yield from _times(path, route)
        if "receiver" in route:
            name = str(route["receiver"])
            used.add(name)
            if name not in names:
                what = f"sends to '{name}', which is not a receiver here"
                yield (*path, "receiver"), f"{what}; there is {', '.join(sorted(names)) or 'none'}"
        yield from _above(path, route)
    yield from _times(("global",), fields(data, "global"))
    for number, receiver in enumerate(items(data, "receivers")):
        name = str(text(receiver, "name"))
        if name not in used:
            yield ("receivers", number), f"'{name}' gets no alert; route some to it, or remove it"
        yield from _receiver(("receivers", number), fields(receiver), fields(data, "global"))
    for number, rule in enumerate(items(data, "inhibit_rules")):
        for key in ("source_matchers", "target_matchers"):
            old = key.replace("matchers", "match")
            if not items(rule, key) and not fields(rule, old) and not fields(rule, f"{old}_re"):
                what = f"has no {key}, so one alert mutes unrelated alerts"
                yield ("inhibit_rules", number), f"{what}; write them"
        if not items(rule, "equal") and _mutes_a_severity(fields(rule)):
            what = "mutes its targets everywhere while one alert is active, as it has no `equal`"
            yield ("inhibit_rules", number), f"{what}; write the labels that both share"


def _mutes_a_severity(rule: Fields) -> bool:
    """Tell whether the targets of an inhibition are all alerts of some severity."""
    written = [str(one) for one in items(rule, "target_matchers")]
    names = {re.split(r"[=!~]", one.strip(' {"'), maxsplit=1)[0].strip(' "') for one in written}
    names |= fields(rule, "target_match").keys() | fields(rule, "target_match_re").keys()
    return names == {"severity"}


def _routes(route: Fields, path: Path) -> Iterator[tuple[Path, Fields]]:
    yield path, route
    for number, below in enumerate(items(route, "routes")):
        yield from _routes(fields(below), (*path, "routes", number))


def _above(path: Path, route: Fields) -> Iterator[tuple[Path, str]]:
    """Yield the routes of all alerts that others stand below."""
    below = items(route, "routes")
    for number, one in enumerate(below[:-1]):
        ends = fields(one).get("continue") in (None, False)
        if ends and (not any(fields(one).get(key) for key in MATCHERS) or _takes_all(fields(one))):
            what = "matches every alert, so later routes get none"
            yield (*path, "routes", number), f"{what}; write `matchers`, or `continue: true`"


def _takes_all(route: Fields) -> bool:
    """Tell whether a route takes every alert by its name: `alertname =~ ".+"`."""
    written = [str(one) for one in items(route, "matchers")]
    written += [f"{name}=~{value}" for name, value in fields(route, "match_re").items()]
    return bool(written) and not fields(route, "match") and all(map(_ANY.fullmatch, written))


def _times(path: Path, data: Fields) -> Iterator[tuple[Path, str]]:
    found: dict[str, float] = {}
    for key in TIMES:
        if key in data:
            if (length := duration_s(data[key])) is None:
                yield (
                    (*path, key),
                    f"{key} is {data[key]!r}, which is not a duration; write e.g. 5m",
                )
            else:
                found[key] = length
    first, following, again = (found.get(key) for key in TIMES[:3])
    if first is not None and following is not None and first > following:
        yield path, "waits longer for the first alert than for the next; swap the durations"
    least = max((one for one in (first, following) if one is not None), default=0)
    if again is not None and again < least:
        what = "reminds more often than it sends a group, so a reminder waits for the group"
        yield path, f"{what}; raise repeat_interval"


def _receiver(path: Path, receiver: Fields, of_all: Fields) -> Iterator[tuple[Path, str]]:
    kinds = [key for key in receiver if key.endswith("_configs") and receiver[key]]
    if not kinds and text(receiver, "name") not in SILENT:
        yield path, f"'{text(receiver, 'name')}' notifies nothing; add e.g. slack_configs"
    for kind in kinds:
        for number, config in enumerate(items(receiver, kind)):
            where = (*path, kind, number)
            target = TARGETS.get(kind)
            given = {target, f"{target}_file", "service_key", "app_token"} & fields(config).keys()
            known = any(f"{key}{end}" in of_all for key in FOR_ALL.get(kind, ()) for end in ENDS)
            if target and not given and not known:
                yield where, f"{kind} has no destination; write {target} or {target}_file"
            if kind == "email_configs":
                for key in ("smarthost", "from"):
                    if key not in fields(config) and f"smtp_{key}" not in of_all:
                        what = (
                            f"has no {key}, and global no smtp_{key}: Alertmanager refuses the file"
                        )
                        yield where, f"{what}; write one"
                if not _may_log_in(config, of_all):
                    what = "logs in by a name without a password, so its server refuses it"
                    yield (*where, "auth_username"), f"{what}; write auth_password_file"
                if fields(config).get("require_tls", of_all.get("smtp_require_tls")) is False:
                    what = "sends mail, and its password, to a server that need not speak TLS"
                    yield (*where, "require_tls"), f"{what}; write require_tls: true"
            if not fields(config).get("send_resolved", kind not in QUIET):
                yield (
                    where,
                    "sends no notification when an alert is resolved; write `send_resolved: true`",
                )


def _may_log_in(config: Fields, of_all: Fields) -> bool:
    """Tell whether a mail server is given a password with the name, where it is given one."""
    keys = {*fields(config), *(str(key).removeprefix("smtp_") for key in of_all)}
    given = ("auth_password", "auth_password_file", "auth_secret", "auth_secret_file")
    return "auth_username" not in keys or not keys.isdisjoint(given)


GATE = Gate(
    id="OBS015",
    title="Alertmanager's routes end at receivers that notify",
    phase="observability",
    source="https://prometheus.io/docs/alerting/latest/configuration: an alert without a receiver "
    "notifies nothing, and an inhibition without `equal` mutes what has another cause",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("configurations of Alertmanager", configurations),
    #: OBS011 and OBS013 hold what is planned to the model's receivers and dependencies.
    targets=(),
    reads="route, receivers and inhibit_rules of files that "
    "have them. Judges files without a plan only: "
    "OBS011 and OBS013 check more of a plan.",
)
