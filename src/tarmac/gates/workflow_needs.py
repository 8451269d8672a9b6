"""A job waits for those whose outputs it reads: what it does not need is empty for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.artifact import Artifact
from tarmac.errors import did_you_mean
from tarmac.gates._gate import Files, Gate
from tarmac.gates._objects import dig
from tarmac.gates._scripts import is_workflow
from tarmac.report import Finding

_READ = re.compile(r"\bneeds\.([\w-]+)\.(?:outputs\.([\w-]+)|result)")


def check(files: Files) -> Iterator[Finding]:
    """Yield what is read of a job that is not in `needs`, or that it does not give."""
    for artifact in files.artifacts:
        if is_workflow(artifact):
            for name, job in artifact.data["jobs"].items():
                yield from _job(artifact, name, job)


def _job(artifact: Artifact, name: str, job: Any) -> Iterator[Finding]:
    given = dig(job, "needs") or ()
    needed = [given] if isinstance(given, str) else [str(each) for each in given]
    jobs = artifact.data["jobs"]
    for path, text in _texts(job, ("jobs", name)):
        for other, output in dict.fromkeys(_READ.findall(text)):
            read = f"needs.{other}.outputs.{output}" if output else f"needs.{other}.result"
            where = artifact.at(*path)
            if other not in jobs:
                what = f"reads {read}, and there is no job {other}; {did_you_mean(other, jobs)}"
                yield Finding(where, what)
            elif other not in needed:
                whole = ", ".join((*needed, other))
                yield Finding(
                    where,
                    f"{name} reads {read}, which is empty: {other} is not in its `needs`; write "
                    f"`needs: [{whole}]`",
                )
            elif output and "uses" not in jobs[other]:
                outputs = dig(jobs[other], "outputs") or {}
                if output not in outputs:
                    what = f"reads {read}, and {other} gives no {output}; "
                    yield Finding(where, what + did_you_mean(output, outputs))


def _texts(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every text below a part, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(each, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _texts(each, (*path, number))


GATE = Gate(
    id="PIP051",
    title="A job has every job in `needs` whose outputs or result it reads",
    phase="delivery",
    source="https://docs.github.com/actions: the needs context has only jobs that are named there; "
    "anything else of it is an empty text, and a matrix of it an error",
    check=check,
    of_files=check,
    targets=(),
    looks_at="every expression of a job in workflows of GitHub Actions. Asked of files alone.",
)
