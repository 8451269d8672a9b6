"""Workflows have no more rights than they need, and run no text from outside: zizmor."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tarmac.base.errors import TarmacError
from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.pipelines.untrusted import (
    CHOSEN,
    are_branches,
    jobs_of_writers,
    paths_of_authors,
)
from tarmac.check.gates.views.pipelines.workflows import FOLDER, workflows
from tarmac.check.gates.views.programs import (
    find,
    found_files,
    read,
    run,
    tree,
    workflow_files,
)
from tarmac.check.gates.views.scope import paths

#: It ends with 11 to 14 for the severity of what it found.
CODES = (0, 11, 12, 13, 14)
#: How far a workflow is trusted is its owner's policy; PIP002 and PIP003 warn, too.
OF_POLICY = (
    "bot-conditions", "cache-poisoning", "dangerous-triggers", "excessive-permissions",
    "github-app", "secrets-inherit", "self-hosted-runner", "unpinned-images", "unpinned-uses",
)  # fmt: skip
OPTIONS = ("--format=json", "--offline", "--no-config", "--no-progress", "--min-confidence=medium")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what zizmor says of the tree's workflows."""
    folder = tree(subject)
    yield from _said(find("zizmor"), folder, workflow_files(folder))


def check_files(files: Files) -> Iterator[Finding]:
    """Yield what zizmor says of workflows; only what an outsider can use, or never works, fails."""
    found = found_files(workflow.artifact for workflow in workflows(files))
    own = {*paths_of_authors(files), *jobs_of_writers(files)}
    yield from _said(find("zizmor"), Path(), found, own, lenient=True)


def _said(
    program: str,
    folder: Path,
    paths: Sequence[str],
    own: Collection[object] = (),
    *,
    lenient: bool = False,
) -> Iterator[Finding]:
    if not paths:
        return
    try:
        found = read(run([program, *OPTIONS, *paths], folder, CODES, reads=paths))
    except TarmacError:
        # One file that it does not understand, as GitHub does, ends it for all.
        if not lenient or len(paths) == 1:
            raise
        for path in paths:
            try:
                yield from _said(program, folder, [path], own, lenient=True)
            except TarmacError:
                what = "zizmor cannot read it, so what it would find is not known"
                yield Finding(path.removeprefix("./"), what, GATE.id, warning=True)
        return
    for said in found:
        place = _place(said)
        # Those who write there name the branches of these workflows, or of these jobs.
        is_own = {_path(place), _job(place)} & {*own} and are_branches(_texts(place))
        warning = lenient and (bool(is_own) or not _is_sure(said, place))
        detail = place["symbolic"]["annotation"]
        what = f"{said['desc']}: {detail} ({said['ident']}); {said['url']} says how to correct it"
        yield Finding(_where(place), what, GATE.id, warning=warning)


def _place(said: dict[str, Any]) -> dict[str, Any]:
    """Return the place that a finding is about, of those that it names."""
    places: list[dict[str, Any]] = said["locations"]
    primary = (place for place in places if place["symbolic"]["kind"] == "Primary")
    return next(primary, places[0])


def _is_sure(said: Mapping[str, Any], place: Mapping[str, Any]) -> bool:
    """Tell whether a finding is severe whatever the rest of the repository is like."""
    if said["determinations"]["severity"] != "High":
        return False
    if said["ident"] == "template-injection":
        texts = _texts(place)
        # PIP004 knows which branches a run may be of.
        return any(map(CHOSEN.search, texts)) and not any("head_branch" in one for one in texts)
    return said["ident"] not in OF_POLICY or "write-all" in place["symbolic"]["annotation"]


def _texts(place: Mapping[str, Any]) -> list[str]:
    """Return what is written at a place, where zizmor quotes it."""
    kind = place["symbolic"]["feature_kind"]
    fragment = kind["Subfeature"]["fragment"] if isinstance(kind, Mapping) else {}
    return list(map(str, fragment.values()))


def _path(place: Mapping[str, Any]) -> str:
    path: str = place["symbolic"]["key"]["Local"]["verbatim_path"]
    return path.removeprefix("./")


def _job(place: dict[str, Any]) -> tuple[str, str]:
    """Return the path of a workflow and the job that a place is in; "" in none."""
    keys = [str(step.get("Key", "")) for step in place["symbolic"]["route"]["route"]]
    return _path(place), keys[1] if keys[:1] == ["jobs"] and keys[1:] else ""


def _where(place: dict[str, Any]) -> str:
    start = place["concrete"]["location"]["start_point"]
    return f"{_path(place)}:{start['row'] + 1}:{start['column'] + 1}"


GATE = Gate(
    id="VAL022",
    title="zizmor finds no weakness in a workflow",
    phase="delivery",
    source="https://docs.zizmor.sh/audits/",
    check=check,
    of_files=check_files,
    program="zizmor",
    of_objects=False,
    scope=paths("workflows", f"{FOLDER}*.yml", f"{FOLDER}*.yaml"),
    reads="What it is sure of, or almost; it asks no network, so not for known vulnerabilities.",
    level=Level.VALID,
    targets=("repository",),
)
