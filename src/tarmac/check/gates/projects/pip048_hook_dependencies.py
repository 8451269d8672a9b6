"""The hook of mypy has the stubs of what it checks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, dirname

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, numbered, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_LISTS = re.compile(r"(requirements[\w.-]*\.(txt|in)|pyproject\.toml|Pipfile|setup\.cfg)")
_STUBS = re.compile(r"(?im)^[^#\n]*?\b(types-[A-Za-z][\w-]*)")
#: What has mypy take what it does not find for anything.
_IGNORES = re.compile(r"ignore[-_]missing[-_]imports|follow[-_]imports|disable[-_]error[-_]code")
_OWN = re.compile(r"mypy\.ini|\.mypy\.ini|setup\.cfg|pyproject\.toml")


def check(files: Files) -> Iterator[Finding]:
    """Yield hooks without the stubs that the project has for its own mypy."""
    folders: dict[str, list[Artifact]] = {}
    for one in files.artifacts:
        name = basename(one.path)
        if _LISTS.fullmatch(name) or _OWN.fullmatch(name):
            folders.setdefault(dirname(one.path), []).append(one)
    for artifact, repo, number, hook in _hooks(files):
        beside = folders.get(dirname(artifact.path), [])
        lists = [one for one in beside if _LISTS.fullmatch(basename(one.path))]
        own = [one for one in beside if _OWN.fullmatch(basename(one.path))]
        given = {re.split(r"[=<>~!\[]", one)[0].lower() for one in _given(hook)}
        wanted = {name.lower(): name for one in lists for name in _STUBS.findall(str(one.content))}
        told = f"{hook.get('args')} {' '.join(str(one.content) for one in own)}"
        missing = [name for key, name in wanted.items() if key not in given]
        is_apart = hook.get("language") not in ("system", "unsupported", "script")
        if missing and not given and is_apart and not _IGNORES.search(told):
            what = f"the hook mypy has an environment of its own, without {', '.join(missing)}"
            said = f"{what}, which the project has: it finds no stubs and fails; list them in"
            where = artifact.at("repos", repo, "hooks", number)
            yield Finding(where, f"{said} additional_dependencies", warning=True)


def _given(hook: Fields) -> Iterator[str]:
    yield from texts(hook.get("additional_dependencies"))


@once
def _hooks(files: Files) -> Iterator[tuple[Artifact, int, int, Fields]]:
    for artifact in files.artifacts:
        if basename(artifact.path) != ".pre-commit-config.yaml":
            continue
        for number, repo in numbered(artifact.data, "repos"):
            for place, hook in numbered(repo, "hooks"):
                if hook.get("id") == "mypy" and repo.get("repo") not in ("local", "meta"):
                    yield artifact, number, place, hook


GATE = Gate(
    id="PIP048",
    title="The hook of mypy has the stubs of what it checks",
    phase="delivery",
    source="https://github.com/pre-commit/mirrors-mypy#using-mypy-with-pre-commit: it runs in an "
    "environment of its own, so dependencies are listed in additional_dependencies",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("hooks of mypy", _hooks),
    targets=("repository",),
    reads=".pre-commit-config.yaml beside the lists of packages of the project: stubs that these "
    "have and a hook without any additional_dependencies lacks.",
)
