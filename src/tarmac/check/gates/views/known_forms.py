"""Files whose keys and words are known: assets/known_keys.yaml, and where such files are."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files as resources
from typing import Any, NamedTuple

import yaml

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.monitoring.alert_files import configurations as alertmanagers
from tarmac.check.gates.views.monitoring.collectors import collectors
from tarmac.check.gates.views.monitoring.configurations import configurations
from tarmac.check.gates.views.monitoring.rule_groups import rule_files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomizations import kustomization_files
from tarmac.check.gates.views.pipelines.gitlab import GLOBAL, gitlab_pipelines
from tarmac.check.gates.views.pipelines.inlined_actions import own_actions
from tarmac.check.gates.views.pipelines.workflows import FOLDER

FILE = resources("tarmac") / "assets" / "known_keys.yaml"
#: A job of GitLab has one of these; another mapping at the top is a part of some.
_OF_JOBS = frozenset({"script", "trigger", "extends", "run", "image", "rules"})
Data = Mapping[Any, Any]


class KnownForm(NamedTuple):
    """A form of files, by what its program knows at each place."""

    title: str
    effect: str
    #: Whether a key is read in any case.
    folds: bool
    #: Whether a key that is not known is left out, and does no more harm.
    lenient: bool
    keys: tuple[tuple[tuple[str, ...], frozenset[str]], ...]
    words: tuple[tuple[tuple[str, ...], frozenset[str]], ...]


class KnownFile(NamedTuple):
    """A file of such a form."""

    artifact: Artifact
    form: KnownForm
    data: Data


@once
def known_files(files: Files) -> Iterator[KnownFile]:
    """Yield all of them."""
    for name, find in _FILES.items():
        for artifact, data in find(files):
            yield KnownFile(artifact, _forms()[name], data)


def _plainly(found: Iterator[Artifact]) -> Iterator[tuple[Artifact, Data]]:
    yield from ((one, one.data) for one in found)


def _of_workflows(files: Files) -> Iterator[tuple[Artifact, Data]]:
    """Yield workflows as they are written; the key `on` is a truth value to YAML."""
    for one in files.artifacts:
        _, inside, name = one.path.rpartition(FOLDER)
        if inside and "/" not in name and isinstance(one.data.get("jobs"), Mapping):
            yield (
                one,
                {"on" if str(key) == "True" else key: value for key, value in one.data.items()},
            )


def _of_gitlab(files: Files, *, jobs: bool) -> Iterator[tuple[Artifact, Data]]:
    """Yield the jobs of pipelines, or what is beside them; other mappings are parts of some."""
    for pipeline in gitlab_pipelines(files):
        every = pipeline.written.data.items()
        is_job = {k: k not in GLOBAL and bool(_OF_JOBS & {*fields(v)}) for k, v in every}
        yield pipeline.written, {k: v for k, v in every if (is_job[k] if jobs else k in GLOBAL)}


def _named(files: Files, pattern: str) -> Iterator[tuple[Artifact, Data]]:
    for one in files.artifacts:
        if re.fullmatch(pattern, posixpath.basename(one.path)):
            yield one, one.data


_FILES: Mapping[str, Callable[[Files], Iterator[tuple[Artifact, Data]]]] = {
    "compose": lambda fs: _plainly(one for own in compose_files(fs) for one in own.artifacts),
    "workflow": _of_workflows,
    "action": lambda fs: _plainly(one for _, one in own_actions(fs)),
    "dependabot": lambda fs: _named(fs, r"dependabot\.ya?ml"),
    "gitlab": lambda fs: _of_gitlab(fs, jobs=True),
    "gitlab-beside": lambda fs: _of_gitlab(fs, jobs=False),
    "kustomization": lambda fs: _plainly(iter(kustomization_files(fs))),
    "alertmanager": lambda fs: _plainly(alertmanagers(fs)),
    "prometheus": lambda fs: ((one, d) for one, at, d in configurations(fs) if _is_own(at, d)),
    "rules": lambda fs: ((one, one.data) for one, path in rule_files(fs) if not path[1:]),
    "chart": lambda fs: _named(fs, r"Chart\.yaml"),
    "collector": lambda fs: ((one.artifact, one.data) for one in collectors(fs) if not one.path),
}


def _is_own(path: tuple[str, ...], data: Data) -> bool:
    """Tell whether a configuration is Prometheus' own file: agents of others have clients, too."""
    others = {"clients", "server", "schema_config"}
    return not path and "scrape_configs" in data and not others & data.keys()


@cache
def _forms() -> Mapping[str, KnownForm]:
    read = yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)["forms"]
    return {name: KnownForm(one["title"], one["effect"], one.get("folds") is True,
                            one.get("lenient") is True,
                            *(tuple(_places(fields(one, part))) for part in ("keys", "words")))
            for name, one in read.items()}  # fmt: skip


def _places(table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], frozenset[str]]]:
    for place, known in table.items():
        yield tuple(place.split(".")) if place else (), frozenset(str(known).split())
