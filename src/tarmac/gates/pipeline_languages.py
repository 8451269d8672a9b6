"""A service is linted and tested by the tools of the language that it is written in."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._workflows import data_of, named, steps, texts, workflows
from tarmac.languages import OTHER, PROGRAMS, spoken
from tarmac.plan.cluster import Workload
from tarmac.report import Finding

DATA = "ci/services.json"
#: A program at the beginning of a command of a script.
COMMAND = re.compile(
    r"(?:^|&&|\|\||[;|(]|\bdo\b|\bthen\b)\s*(?:\./)?([A-Za-z0-9_-]+)", re.MULTILINE
)
MATRIX = re.compile(r"matrix\.service|\$\{?SERVICE\b")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield commands that are run for a service which another language's tools are for."""
    spoke = {each.name: spoken(each.parts, each.about) for each in subject.plan.services}
    yield from _data(subject, spoke)
    for workflow in workflows(subject):
        for name, job in workflow.jobs.items():
            for step in steps(job):
                text = str(step.get("run") or "")
                used = {PROGRAMS[word] for word in COMMAND.findall(text) if word in PROGRAMS}
                for language in sorted(used):
                    wrong = _wrong(subject, job, step, language, spoke)
                    if wrong:
                        names = ", ".join(f"{each} ({spoke[each]})" for each in wrong)
                        where = workflow.line(text.strip().splitlines()[0])
                        yield Finding(
                            where,
                            f"job {name} runs a tool of {language} ({named(step)}) for {names}; "
                            f"have it run `if: matrix.language == '{language}'`",
                        )


def _wrong(
    subject: Subject,
    job: Mapping[str, Any],
    step: Mapping[str, Any],
    language: str,
    spoke: Mapping[str, str],
) -> list[str]:
    """List the services for which a step runs and whose language it is not."""
    text = " ".join(texts([step.get("run"), step.get("working-directory"), step.get("env")]))
    if language in f"{step.get('if') or ''} {job.get('if') or ''}":
        return []
    if MATRIX.search(text):
        listed = ((job.get("strategy") or {}).get("matrix") or {}) or {}
        given = listed.get("service") if isinstance(listed, Mapping) else None
        names = [n for n in given if n in spoke] if isinstance(given, list) else list(spoke)
    else:
        names = [e.name for e in subject.plan.services if _names(subject, e, text)]
    return [each for each in names if spoke[each] not in (language, OTHER)]


def _names(subject: Subject, workload: Workload, text: str) -> bool:
    """Tell whether a command names a service's folder, by its sources or as `services/NAME`."""
    folder = posixpath.dirname(subject.plan.model)
    own = {posixpath.normpath(posixpath.join(folder, each)) for each in workload.sources}
    own |= {f"services/{workload.name}"}
    return any(re.search(rf"(?<![\w/-]){re.escape(each)}(?![\w-])", text) for each in own - {"."})


def _data(subject: Subject, spoke: Mapping[str, str]) -> Iterator[Finding]:
    data = data_of(subject, DATA)
    services = data.get("services") if isinstance(data, Mapping) else None
    for name, each in (services or {}).items():
        for step in ("lint", "test"):
            for argv in each.get(step) or ():
                language = PROGRAMS.get(posixpath.basename(str(argv[0])), "") if argv else ""
                if language and spoke.get(name, language) not in (language, OTHER):
                    what = f"{name} is in {spoke[name]}, and its {step} runs {argv[0]} ({language})"
                    yield Finding(DATA, f"{what}; write a command of {spoke[name]}")


GATE = Gate(
    id="PIP008",
    title="Each service is linted and tested by tools of its own language",
    phase="delivery",
    source="npm in the folder of a Python service fails, or passes because it finds nothing to do",
    check=check,
    looks_at=f"commands of {DATA} and of all files of .github/workflows that name a service's "
    "folder or run for a matrix of services. A service's language is told by how it is started.",
    targets=("repository",),
)
