"""Judges the files of a folder that nobody planned, for `tarmac verify --files`.

They are read as they stand, each part with its line; gates that need no plan are asked. Nothing is
written, and no evidence kept: these files have no model that it could be of.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import yaml

from tarmac.artifact import Artifact, read
from tarmac.cli import _charts
from tarmac.errors import BadInput, Problem
from tarmac.gates._gate import Folder, Gate
from tarmac.gates._run import Borne, remarks, run_files, suppressed
from tarmac.report import Finding, Report, Result, Status

#: Where findings about files that could not be read are from.
READING = "files"
#: A file that somebody writes is kilobytes; what is larger was made.
MOST_BYTES = 2_000_000
ENDINGS = (
    ".yaml", ".yml", ".json", ".tf", ".tfvars", ".sh", ".bash", ".rego", ".mk", ".md", ".toml",
    ".txt", ".lock", ".mod", ".xml", ".gradle", ".dockerfile", ".env",
)  # fmt: skip
STARTS = ("Dockerfile", "Containerfile", "Makefile", "Procfile", "Pipfile")
#: What others wrote or a program made; folders that begin with a dot, too, but the forges' own.
OTHERS = ("node_modules", "vendor", "venv", "site-packages", "__pycache__", "target", "dist")
FORGES = (".github", ".gitlab", ".gitea")


def judge(
    folder: Path, today: date, gates: Iterable[Gate], borne: Callable[[Path], Borne]
) -> Report:
    """Judge every file of a folder.

    Args:
        borne: reads the suppressions that stand beside a file; here those in the folder itself.

    Raises:
        BadInput: there is nothing in it that any gate reads.
    """
    charts = sorted({path.parent for path in _paths(folder) if path.name == "Chart.yaml"})
    below = [chart / "templates" for chart in charts]
    found = [
        each
        for path in _paths(folder)
        if not any(place in path.parents for place in below)
        for each in _read(path)
    ]
    artifacts = tuple(each for each in found if isinstance(each, Artifact))
    rendered = list(_charts.read(charts, READING))
    unread = [each for each in (*found, *rendered) if isinstance(each, Finding)]
    # What one file of values gives has nothing to do with what another one does.
    trees = [(*artifacts, *each) for each in rendered if not isinstance(each, Finding)]
    if not artifacts:
        what = "there is no file in it that a gate reads: YAML, Dockerfiles, HCL, scripts"
        raise BadInput([Problem(str(folder), f"{what}; name a folder that has some")])
    asked, own = list(gates), borne(folder / "tarmac.yaml")
    results: dict[str, Result] = {}
    for tree in trees or [artifacts]:
        for result in run_files(Folder(tree, today, folder), asked, own):
            before = results.get(result.what)
            results[result.what] = _both(before, result) if before else result
    return Report(
        system=str(folder),
        environments=(),
        today=today.isoformat(),
        results=tuple(results.values()),
        remarks=(*unread, *remarks(own, today, [gate.id for gate in asked if gate.of_files])),
        suppressed=tuple(suppressed(own, today)),
    )


def _both(one: Result, other: Result) -> Result:
    """Put together what came of a gate in two trees: the worse of the two, with all findings."""
    worst = max(
        one, other, key=lambda each: (Status.PASS, Status.SKIPPED, Status.FAIL).index(each.status)
    )
    return replace(worst, findings=tuple(sorted({*one.findings, *other.findings})))


def _paths(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(
            each
            for each in folders
            if each not in OTHERS and (not each.startswith(".") or each in FORGES)
        )
        for name in sorted(names):
            path = Path(place, name)
            if name.lower().endswith(ENDINGS) or name.startswith(STARTS):
                yield path


def _read(path: Path) -> Iterator[Artifact | Finding]:
    """Yield the documents of a YAML file, the text of another; a finding where it has none."""
    name = path.as_posix()
    try:
        if path.stat().st_size > MOST_BYTES:
            return
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        yield Finding(name, f"cannot be read ({error}); it was not judged", READING, warning=True)
        return
    if not name.endswith((".yaml", ".yml")):
        yield Artifact(name, text)
        return
    try:
        documents = list(read(name, text))
    except (yaml.YAMLError, RecursionError) as error:
        yield Artifact(name, text)
        yield _unread(name, text, error)
        return
    yield from documents


def _unread(name: str, text: str, error: Exception) -> Finding:
    mark = getattr(error, "problem_mark", None)
    where = f"{name}:{mark.line + 1}" if mark else name
    if "{{" in text:
        what = "is a template, which is not judged; judge what it gives: `helm template`"
        return Finding(name, what, READING, warning=True)
    said = getattr(error, "problem", None) or type(error).__name__
    what = f"cannot be read as YAML ({said}); correct it, it was not judged"
    return Finding(where, what, READING, warning="tag" in said)
