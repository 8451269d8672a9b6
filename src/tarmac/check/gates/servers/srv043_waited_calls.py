"""Servers and brokers wait as long as the code behind them does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.celery_settings import celery_settings
from tarmac.check.gates.views.servers.python_listeners import parsed
from tarmac.check.gates.views.servers.python_settings import (
    FromEnvironment,
    PythonSettings,
    python_settings,
    value_of,
)

_GUNICORN = re.compile(r"(gunicorn[\w.-]*|[\w.-]+\.gunicorn)\.py")
#: What gunicorn waits for a worker, in seconds, where nothing says it.
_WAITS_S = 30
#: Workers that go on while one request waits.
_OTHERS = re.compile(r"uvicorn|gevent|eventlet|gthread|tornado")
_CALLS = re.compile(r"(requests|httpx|session|client)\.(get|post|put|patch|delete|request)|urlopen")
_DELAYED = re.compile(r".*\.(apply_async|send_task)")
_OPTIONS = (
    "broker_transport_options",
    "CELERY_BROKER_TRANSPORT_OPTIONS",
    "BROKER_TRANSPORT_OPTIONS",
)
_BROKER = ("broker_url", "CELERY_BROKER_URL", "BROKER_URL")


class WaitedCall(NamedTuple):
    """A number of seconds that a call in the code waits, or a task is put off."""

    where: str
    seconds: float
    is_task: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield workers that are killed while they wait, and tasks that are sent out twice."""
    waiting = list(_waiting(files))
    if not waiting:
        return
    yield from _killed(files, [one for one in waiting if not one.is_task])
    yield from _again(files, [one for one in waiting if one.is_task])


def _killed(files: Files, waiting: list[WaitedCall]) -> Iterator[Finding]:
    longest = max(waiting, key=lambda one: one.seconds, default=None)
    found = list(python_settings(files, _GUNICORN))
    for own in found if longest and len(found) == 1 else ():
        _, kind = own.given("worker_class")
        _, threads = own.given("threads")
        given, limit = own.given("timeout")[0], own.number("timeout")
        waits = limit if given else _WAITS_S
        is_alone = not _OTHERS.search(str(kind or "")) and not threads
        if longest and waits and is_alone and longest.seconds > waits:
            told = f"timeout is {waits:g} s" if given else f"no timeout, which is {waits:g} s"
            what = f"gunicorn has {told}" if not given else f"gunicorn's {told}"
            said = f"{what}, and a request waits up to {longest.seconds:g} s ({longest.where}): the"
            where = own.at("timeout") if given else f"{own.artifact.path}:1"
            advice = "worker is killed meanwhile; raise it, or shorten the wait"
            yield Finding(where, f"{said} {advice}", warning=True)


def _again(files: Files, waiting: list[WaitedCall]) -> Iterator[Finding]:
    longest = max(waiting, key=lambda one: one.seconds, default=None)
    for own in celery_settings(files) if longest else ():
        _, options = own.given(*_OPTIONS)
        told = options.get("visibility_timeout") if isinstance(options, Mapping) else None
        schemes = published("brokers")["schemes"].items()
        usual = [one["visibility_s"] for form, one in schemes if re.match(form, _url(own))]
        waits: Any = told if told is not None else next(iter(usual), None)
        if options is not None and not isinstance(options, Mapping):
            continue
        if longest and isinstance(waits, int | float) and longest.seconds > waits:
            what = f"a task is put off by {longest.seconds:g} s, and after {waits:g} s its broker"
            said = f"{what} gives it to a further worker: it is done several times; write a longer"
            where = own.at(own.given(*_BROKER)[0])
            advice = f"visibility_timeout ({own.artifact.path})"
            yield Finding(longest.where or where, f"{said} {advice}", warning=True)


def _url(own: PythonSettings) -> str:
    _, url = own.given(*_BROKER)
    return str((url.default if isinstance(url, FromEnvironment) else url) or "")


def _waiting(files: Files) -> Iterator[WaitedCall]:
    """Yield the calls of code here that wait, or put a task off, for a known time."""
    for artifact in files.artifacts:
        text = str(artifact.content) if artifact.path.endswith(".py") else ""
        if "timeout=" in text or "countdown=" in text:
            yield from _of_file(artifact)


def _of_file(artifact: Artifact) -> Iterator[WaitedCall]:
    known: dict[str, Any] = {}
    tree = parsed(artifact)
    for one in tree.body:
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
            known[one.targets[0].id] = value_of(one.value, known)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        is_task = _DELAYED.fullmatch(called) is not None
        key = "countdown" if is_task else "timeout"
        if is_task or _CALLS.fullmatch(called):
            for named in node.keywords:
                # To connect, and to read: the longer one is that of the answer.
                given = named.value
                told = given.elts if isinstance(given, ast.Tuple) else [given]
                values = [value_of(part, known) for part in told if named.arg == key]
                numbers = [float(value) for value in values if type(value) in (int, float)]
                if numbers:
                    yield WaitedCall(f"{artifact.path}:{node.lineno}", max(numbers), is_task)


def _judged(files: Files) -> Iterator[object]:
    yield from python_settings(files, _GUNICORN)
    yield from celery_settings(files)


GATE = Gate(
    id="SRV043",
    title="Servers and brokers wait as long as the code behind them",
    phase="containers",
    source="https://docs.gunicorn.org/en/stable/settings.html#timeout; https://docs.celeryq.dev/en/"
    "stable/getting-started/backends-and-brokers/redis.html#visibility-timeout: tasks with a "
    "countdown that exceeds it are executed again and again",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("settings of gunicorn and Celery", _judged),
    targets=(),
    reads="timeout of gunicorn's settings beside timeout= of calls by requests and httpx, and "
    "visibility_timeout beside countdown= of tasks, in files of Python that are read here by "
    "their names. All are warnings. Judges files without a plan only.",
)
