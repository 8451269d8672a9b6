"""A broker waits for a task of Celery for as long as that may run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.foreign.reading import string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.celery_settings import celery_settings
from tarmac.check.gates.views.servers.nginx import written
from tarmac.check.gates.views.servers.python_settings import (
    FromEnvironment,
    PythonSettings,
    python_settings,
    value_of,
)

_ANY = re.compile(r"(celery\w*|tasks|settings|main|app|server|run)\.py")
_SAYS = "visibility_timeout"
_NAMED = re.compile(r"celery_?config\.py")
#: Settings by their names, and by those that they had before.
_LATE = ("task_acks_late", "CELERY_TASK_ACKS_LATE", "CELERY_ACKS_LATE")
_LIMITS = (
    "task_time_limit", "CELERY_TASK_TIME_LIMIT", "CELERYD_TASK_TIME_LIMIT",
    "task_soft_time_limit", "CELERY_TASK_SOFT_TIME_LIMIT", "CELERYD_TASK_SOFT_TIME_LIMIT",
)  # fmt: skip
_OPTIONS = (
    "broker_transport_options",
    "CELERY_BROKER_TRANSPORT_OPTIONS",
    "BROKER_TRANSPORT_OPTIONS",
)
#: How long RabbitMQ waits, and what says that for one queue or in another place.
_TIMEOUT = re.compile(r"^[ \t]*consumer_timeout[ \t]*=[ \t]*(\d{1,12})[ \t]*$", re.MULTILINE)
_SERVER = re.compile(r"(docker\.io/)?(library/)?rabbitmq(:.*|@.*)?")
_SINGLE = re.compile(r"x-consumer-timeout")
_ELSEWHERE = re.compile(r"consumer_timeout|advanced\.config")
_BROKER = ("broker_url", "CELERY_BROKER_URL", "BROKER_URL")


def check(files: Files) -> Iterator[Finding]:
    """Yield tasks that run longer than their broker waits for them."""
    yield from _counted(files)
    late = [own for own in celery_settings(files) if own.given(*_LATE)[1] is True]
    values = _values(files) if late else {}
    yield from _closed(files, late, values)
    for own in late:
        limit, _ = own.given(*_LIMITS)
        longest, told = own.number(*_LIMITS), own.given(*_OPTIONS)[1]
        for scheme, known in published("brokers")["schemes"].items():
            waits = _waits(told, known["visibility_s"])
            if longest and waits is not None and longest > waits and _is_of(values, own, scheme):
                what = f"a task may run for {longest:g}s ({limit}) and is acknowledged at its end,"
                said = f"{what} and {known['title']} gives it to another worker after {waits:g}s"
                options = own.given(*_OPTIONS)[0] or _OPTIONS[0]
                advice = f"write a longer visibility_timeout into {options}"
                yield Finding(own.at(limit), f"{said}; {advice}", warning=True)


def _closed(
    files: Files, late: list[PythonSettings], values: Mapping[str, set[str]]
) -> Iterator[Finding]:
    """Yield tasks that run longer than RabbitMQ leaves a message without an answer."""
    known = published("brokers")["acknowledged"]
    told = list(_timeouts(files)) if late else []
    is_open = any(_ELSEWHERE.search(one) for found in values.values() for one in found)
    # A server that is elsewhere may wait for longer.
    is_here = told or any(_SERVER.fullmatch(s.image or "") for s in compose_services(files))
    if is_open or not is_here or len({seconds for _, seconds in told}) > 1:
        return
    where, waits = told[0] if told else ("", known["waits_s"])
    for own in late:
        limit, _ = own.given(*_LIMITS)
        longest = own.number(*_LIMITS)
        if _SINGLE.search(str(own.artifact.content)) or not longest or longest <= waits:
            continue
        if _is_of(values, own, known["scheme"]):
            what = f"a task may run for {longest:g}s ({limit}) and is acknowledged at its end, and"
            said = f"{what} {known['title']} closes a channel after {waits:g}s without that: the"
            advice = "task runs again and again; write a longer consumer_timeout"
            yield Finding(where or own.at(limit), f"{said} {advice}", warning=True)


def _timeouts(files: Files) -> Iterator[tuple[str, float]]:
    """Yield how long RabbitMQ is told to wait for an answer."""
    for own in written(files, lambda path: path.endswith(".conf"), _TIMEOUT):
        for found in _TIMEOUT.finditer(own.text):
            line = own.text.count("\n", 0, found.start()) + 1
            yield own.where(line), int(found[1]) / 1000
    for artifact in files.objects("RabbitmqCluster"):
        place = ("spec", "rabbitmq", "additionalConfig")
        for found in _TIMEOUT.finditer(string(artifact.data, *place)):
            yield artifact.at(*place), int(found[1]) / 1000


def _counted(files: Files) -> Iterator[Finding]:
    """Yield tasks that are sent for later than a broker waits."""
    sent = [one for own in python_settings(files, _ANY) for one in _countdowns(own)]
    if not sent or any(_SAYS in str(one.artifact.content) for one in python_settings(files, _ANY)):
        return
    told = [value for found in _values(files).values() for value in found]
    for scheme, known in published("brokers")["schemes"].items():
        brokers = {value for value in told if re.match(scheme, value)}
        for where, seconds in sent if brokers and not _others(told) else ():
            if seconds > known["visibility_s"]:
                what = f"a task is sent for {seconds:g}s later, and {known['title']} gives each to"
                said = f"{what} another worker after {known['visibility_s']:g}s: it runs several"
                advice = "times; write a longer visibility_timeout into broker_transport_options"
                yield Finding(where, f"{said} {advice}", warning=True)


def _others(told: list[str]) -> bool:
    return any(re.match(r"(amqps?|pyamqp)://", one) for one in told)


def _countdowns(own: PythonSettings) -> Iterator[tuple[str, float]]:
    """Yield calls that send a task for later, with the seconds."""
    tree = ast.parse(str(own.artifact.content))
    known = {
        target.id: value_of(one.value, {})
        for one in tree.body
        if isinstance(one, ast.Assign)
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or "apply_async" not in ast.unparse(node.func):
            continue
        for one in node.keywords:
            if one.arg == "countdown":
                found = value_of(one.value, known)
                if isinstance(found, int | float):
                    yield f"{own.artifact.path}:{one.value.lineno}", found


def _waits(told: Any, default: float) -> float | None:
    """Find how long a broker waits; None where that is not known."""
    if told is None:
        return default
    given = told.get("visibility_timeout", default) if isinstance(told, dict) else None
    return given if isinstance(given, int | float) else None


def _is_of(values: Mapping[str, set[str]], own: PythonSettings, scheme: str) -> bool:
    """Tell whether the broker is one of a scheme, by its URL or by what a variable is given."""
    _, value = own.given(*_BROKER)
    if isinstance(value, FromEnvironment):
        found = values.get(value.name) or {str(value.default)}
        return all(re.match(scheme, one) for one in found)
    return isinstance(value, str) and re.match(scheme, value) is not None


def _values(files: Files) -> dict[str, set[str]]:
    """List what services and containers are given, by the names of the variables."""
    found: dict[str, set[str]] = {}
    for service in compose_services(files):
        for name, value in service.environment.items():
            found.setdefault(name, set()).add(value)
    for own in pods(files):
        for variable in (v for c in own.main_containers for v in c.variables if v.has_value):
            found.setdefault(str(variable.name), set()).add(str(variable.value))
    return found


def _judged(files: Files) -> Iterator[PythonSettings]:
    yield from (one for one in celery_settings(files) if one.given(*_LATE)[0])
    yield from (one for one in python_settings(files, _NAMED) if not one.given(*_LATE)[0])
    for own in python_settings(files, _ANY):
        if not _NAMED.fullmatch(own.artifact.path.rpartition("/")[2]) and any(_countdowns(own)):
            yield own


GATE = Gate(
    id="SRV006",
    title="A broker waits for a task of Celery for as long as that may run",
    phase="services",
    source="https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/redis.html"
    "#visibility-timeout: a task that is not acknowledged within it is given to another worker",
    check=check,
    of_files=check,
    scope=counted_in_files("settings of Celery", _judged),
    targets=(),
    reads="celeryconfig.py, celery.py and tasks.py, which are parsed and not run: limits of tasks "
    "that are acknowledged late and countdowns, beside the broker, whose URL may be a variable of "
    "a service or pod, and consumer_timeout of RabbitMQ. Limits of single tasks are not known, "
    "so all are warnings. Judges files without a plan only.",
)
