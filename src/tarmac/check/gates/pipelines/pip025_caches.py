"""A cache that a step of a workflow looks for is one that a step saves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.foreign.reading import dig, fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.workflows import workflows
from tarmac.check.gates.views.scope import counted_in_files

_CACHE = re.compile(r"actions/cache(?P<how>/restore|/save)?@")
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)


class Cache(NamedTuple):
    """A step that looks for a cache, or saves one."""

    where: str
    is_saved: bool
    is_restored: bool
    #: Its paths, of which its version is made: two lists of them are two caches.
    paths: tuple[str, ...]
    key: str
    #: The beginnings of keys that it takes, too.
    others: tuple[str, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield steps that find no cache, or only by a part of its key."""
    every = _caches(files)
    by_paths: dict[tuple[str, ...], list[Cache]] = {}
    by_key: dict[str, list[Cache]] = {}
    for one in every:
        if one.is_saved:
            by_paths.setdefault(one.paths, []).append(one)
            by_key.setdefault(one.key, []).append(one)
    for one in every:
        if one.is_restored and not one.is_saved and one.key:
            yield from _unfound(one, by_paths.get(one.paths, []), by_key.get(one.key, []))


def _unfound(one: Cache, same: list[Cache], of_key: list[Cache]) -> Iterator[Finding]:
    if not same:
        other = next((saved for saved in of_key if not _is_open(one, saved)), None)
        if other is not None:
            what = f"looks for the cache {one.key} of {_told(one.paths)}, and it is saved of"
            advice = "which is another cache, so it is never found; write the same paths in both"
            yield Finding(one.where, f"{what} {_told(other.paths)}, {advice}")
        return
    wanted = (one.key, *one.others)
    if not any(_may_begin(saved.key, part) for saved in same for part in wanted):
        what = f"looks for the cache {one.key}, and {_told(one.paths)} is saved as {same[0].key}"
        yield Finding(one.where, f"{what}, so it is never found; write one key")
    elif not one.others and all(_goes_on(saved.key, one.key) for saved in same):
        what = f"looks for the cache {one.key}, and each is saved with more behind that"
        said = f"{what} ({same[0].key}): it is not found by its whole key"
        yield Finding(one.where, f"{said}; write `restore-keys: {one.key}`", warning=True)


def _is_open(one: Cache, other: Cache) -> bool:
    """Tell whether paths that are written differently may be the same."""
    return any("${{" in path or "*" in path for path in (*one.paths, *other.paths))


def _may_begin(key: str, part: str) -> bool:
    """Tell whether a key may begin with a part, whatever their expressions are."""
    key, part = _head(key), _head(part)
    return key.startswith(part) or part.startswith(key)


def _goes_on(key: str, part: str) -> bool:
    """Tell whether a key is another one and more text behind it."""
    rest = _plain(key).removeprefix(_plain(part))
    return rest not in ("", _plain(key)) and not rest.startswith("${{")


def _plain(key: str) -> str:
    return _EXPRESSION.sub(lambda found: f"${{{{{found[1]}}}}}", key.strip())


def _head(key: str) -> str:
    return key.partition("${{")[0].strip()


def _told(paths: tuple[str, ...]) -> str:
    return ", ".join(paths)


def _caches(files: Files) -> list[Cache]:
    return [cache for where, step in _steps(files) for cache in _of(where, step)]


def _of(where: str, step: Mapping[str, Any]) -> Iterator[Cache]:
    found = _CACHE.match(string(step, "uses"))
    inputs = fields(step, "with")
    if found:
        how = found["how"]
        paths = tuple(line.strip() for line in str(inputs.get("path")).splitlines() if line.strip())
        others = tuple(str(inputs.get("restore-keys") or "").split("\n"))
        wanted = tuple(line.strip() for line in others if line.strip())
        key = str(inputs.get("key") or "").strip()
        yield Cache(where, how != "/restore", how != "/save", paths, key, wanted)


def _steps(files: Files) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the steps of workflows and of actions that are made of steps."""
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            for number, step in numbered(job.data, "steps"):
                yield workflow.at("jobs", name, "steps", number), step
    for file in files.artifacts:
        if file.path.rpartition("/")[2] in ("action.yml", "action.yaml"):
            for number, step in numbered(dig(file.data, "runs"), "steps"):
                yield file.at("runs", "steps", number), step


GATE = Gate(
    id="PIP025",
    title="A cache that a step looks for is one that a step saves",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/dependency-caching: "
    "a cache is found by its key, or by the beginnings in `restore-keys`; its version is made of "
    "its paths",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("steps with a cache", _caches),
    targets=("repository",),
    reads="`key`, `restore-keys` and `path` of actions/cache/restore beside those of the steps "
    "that save, in all workflows and actions here; what is in an expression may be any text.",
)
