"""A worker of Celery takes the tasks that are sent to no queue of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.started import StartedProgram, started
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.celery_settings import celery_settings
from tarmac.check.gates.views.servers.python_settings import PythonSettings

_WORKER = re.compile(r"\bcelery\b.*\bworker\b")
_QUEUES = re.compile(r"(?:^|\s)(?:-Q|--queues)[= ]?\s*([\w.,:-]+)")
_PLAIN = ("beat_schedule", "CELERY_BEAT_SCHEDULE", "CELERYBEAT_SCHEDULE")
_ROUTES = ("task_routes", "CELERY_TASK_ROUTES", "CELERY_ROUTES")
_DEFAULT = ("task_default_queue", "CELERY_TASK_DEFAULT_QUEUE", "CELERY_DEFAULT_QUEUE")
_USUAL = "celery"


class PlannedTask(NamedTuple):
    """A task that beat sends, and the queue that it goes to."""

    own: PythonSettings
    setting: str
    task: str
    queue: str


def check(files: Files) -> Iterator[Finding]:
    """Yield queues of planned tasks that no worker of these files takes."""
    planned = list(_planned(files))
    workers = [one for one in started(files) if _WORKER.search(one.line)] if planned else []
    taken = [_taken(one) for one in workers]
    if not workers or not all(taken):
        return  # one that names no queue takes the default one, or what is not known
    known = frozenset(name for names in taken for name in names)
    for one in planned:
        if one.queue not in known:
            what = f"{one.task} is sent to the queue {one.queue}, and the workers take"
            said = f"{what} {', '.join(sorted(known))} alone ({workers[0].title}): it never runs;"
            where = one.own.at(one.setting)
            yield Finding(workers[0].where or where, f"{said} add {one.queue} to -Q")
            return


def _taken(worker: StartedProgram) -> frozenset[str]:
    """List the queues that a worker names; none where it names none, or not as a text."""
    found = _QUEUES.search(worker.line)
    return frozenset(found[1].split(",")) if found and "$" not in worker.line else frozenset()


@once
def _planned(files: Files) -> Iterator[PlannedTask]:
    for own in celery_settings(files):
        setting, schedule = own.given(*_PLAIN)
        _, routes = own.given(*_ROUTES)
        name, default = own.given(*_DEFAULT)
        default = default if name else _USUAL
        is_known = routes is None or isinstance(routes, Mapping)
        if isinstance(schedule, Mapping) and is_known and isinstance(default, str):
            for entry in schedule.values():
                task = entry.get("task") if isinstance(entry, Mapping) else None
                queue = _queue(entry, task, routes or {}, default) if isinstance(task, str) else ""
                if isinstance(task, str) and queue:
                    yield PlannedTask(own, setting, task, queue)


def _queue(entry: Any, task: str, routes: Mapping[str, Any], default: str) -> str:
    """Find the queue of a task; "" where it is not known."""
    options = entry.get("options")
    for given in (options, next((r for p, r in routes.items() if fnmatchcase(task, p)), None)):
        if given is not None and not isinstance(given, Mapping | str):
            return ""
        queue = given if isinstance(given, str) else (given or {}).get("queue")
        if queue is not None:
            return queue if isinstance(queue, str) else ""
    return default


GATE = Gate(
    id="SRV047",
    title="A worker of Celery takes the tasks that are sent to no queue of their own",
    phase="services",
    source="https://docs.celeryq.dev/en/stable/userguide/routing.html: a task without a route goes "
    "to task_default_queue, celery; a worker with -Q takes the named queues only",
    check=check,
    of_files=check,
    scope=counted_in_files("tasks that beat sends", _planned),
    targets=(),
    reads="beat_schedule, task_routes and task_default_queue of Celery's settings, which are "
    "parsed and not run, beside -Q of all workers that these files start. Queues that a decorator "
    "or a caller names are not known. Judges files without a plan only.",
)
