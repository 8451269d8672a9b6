"""Counts of a server with several processes are counted together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, dirname
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages, words
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.program_texts import program_texts
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.python_settings import python_settings

_LISTS = re.compile(r"requirements[\w.-]*\.(txt|in)|pyproject\.toml|Pipfile")
#: Libraries that a program names to publish its own counts at its own address.
_LIBRARIES = re.compile(
    r"(?im)^[ \t\"']*(django[-_]prometheus|prometheus[-_]flask[-_]exporter"
    r"|prometheus[-_]fastapi[-_]instrumentator|starlette[-_](exporter|prometheus))\b"
)
_GUNICORN = re.compile(r"gunicorn[\w.-]*\.py|[\w.-]+\.gunicorn\.py")
_SERVER = re.compile(r"\b(gunicorn|uvicorn)\s[^\n]*?(?:--workers|-w)[= ](\d{1,3})(?!\S)")
#: What has the processes write into one folder, or publish each at a port of its own.
_TOGETHER = re.compile(r"(?i)multiproc|EXPORT_PORT_RANGE")
_SCRAPED = "prometheus.io/scrape"


class CountingServer(NamedTuple):
    """A server with several processes in a folder with such a library."""

    where: str
    program: str
    workers: int
    library: str


def check(files: Files) -> Iterator[Finding]:
    """Yield servers of which each process has counts of its own."""
    found = [one for one in _servers(files) if one.workers > 1]
    if not found or not _is_scraped(files) or _are_together(files):
        return
    for one in found:
        what = f"{one.program} runs {one.workers} processes, and {one.library} counts in each of"
        said = f"{what} them: a scrape shows those of one, so every rate is wrong; set"
        yield Finding(one.where, f"{said} PROMETHEUS_MULTIPROC_DIR", warning=True)


@once
def _servers(files: Files) -> Iterator[CountingServer]:
    libraries: dict[str, str] = {}
    for artifact in files.artifacts:
        is_list = _LISTS.fullmatch(basename(artifact.path))
        found = _LIBRARIES.search(str(artifact.content)) if is_list else None
        if found is not None:
            libraries[dirname(artifact.path)] = found[1]
    for own in python_settings(files, _GUNICORN) if libraries else ():
        library = libraries.get(dirname(own.artifact.path))
        if library and (workers := own.number("workers")):
            yield CountingServer(own.at("workers"), "gunicorn", int(workers), library)
    for dockerfile in dockerfiles(files) if libraries else ():
        library = libraries.get(dirname(dockerfile.path))
        found_stages = stages(str(dockerfile.content))
        for one in found_stages[-1].instructions if library and found_stages else ():
            told = " ".join(words(one.rest)) if one.word in ("CMD", "ENTRYPOINT") else ""
            if library and (server := _SERVER.search(told)):
                where = f"{dockerfile.path}:{one.line}"
                yield CountingServer(where, server[1], int(server[2]), library)


def _is_scraped(files: Files) -> bool:
    """Tell whether something asks a server here for its counts."""
    if files.objects("ServiceMonitor", "PodMonitor"):
        return True
    for own in pods(files):
        notes = own.metadata.annotations
        if str(notes.get(_SCRAPED)).lower() == "true":
            return True
    return False


def _are_together(files: Files) -> bool:
    for artifact in files.artifacts:
        text = artifact.content if isinstance(artifact.content, str) else str(artifact.data)
        if _TOGETHER.search(text):
            return True
    return any(_TOGETHER.search(one.text) for one in program_texts(files))


GATE = Gate(
    id="OBS061",
    title="Counts of a server with several processes are counted together",
    phase="observability",
    source="https://prometheus.github.io/client_python/multiprocess: without "
    "PROMETHEUS_MULTIPROC_DIR each process has metrics of its own",
    check=check,
    of_files=check,
    scope=counted_in_files("servers with processes and counts", _servers),
    targets=(),
    reads="settings of gunicorn and the command of Dockerfiles, beside lists of packages in the "
    "same folder, monitors and annotations of pods. A variable may come from elsewhere, so all are "
    "warnings. Judges files without a plan only.",
)
