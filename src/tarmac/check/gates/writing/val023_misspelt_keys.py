"""Keys of a file are spelt as the program that reads it spells them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.errors import misspelt
from tarmac.base.foreign.reading import at_steps
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.known_forms import KnownForm, known_files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.schemas.fixes import renamed

#: What an owner may add, and what a template fills in.
_OWN = re.compile(r"x-|.*[{}<>$%\[\]]|\.|_")


def check(files: Files) -> Iterator[Finding]:
    """Yield keys that are almost one that the program reads."""
    for one in known_files(files):
        for steps, known in one.form.keys:
            for path, found in at_steps(one.data, steps):
                for key in found if isinstance(found, Mapping) else ():
                    if near := _meant(key, known, found, one.form):
                        inside = f" in {'.'.join(map(str, path))}" if path else ""
                        what = f"{key}{inside} is not a key that {one.form.title} reads, so it"
                        said = f"{what} {one.form.effect}; did you mean {near!r}?"
                        where = one.artifact.at(*path, key)
                        fix = renamed(key, known, found)
                        yield Finding(where, said, warning=one.form.lenient, fix=fix)


def _meant(key: Any, known: frozenset[str], found: Mapping[Any, Any], form: KnownForm) -> str:
    """Return the key that another one is almost; "" for one that is known, or like none."""
    if not isinstance(key, str) or key in known or _OWN.match(key):
        return ""
    near = misspelt(key, known - found.keys())
    return "" if form.folds and near.lower() == key.lower() else near


GATE = Gate(
    id="VAL023",
    title="Keys of files are spelt as their programs spell them",
    phase="containers",
    source="assets/known_keys.yaml names the source of each form: Compose, GitHub, GitLab, "
    "Kustomize, Prometheus and others refuse a file with a key that they do not know",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("files whose keys are known", known_files),
    targets=("repository",),
    reads="keys of Compose files, workflows, actions, pipelines of GitLab, Dependabot's file, "
    "kustomizations, charts, rules and configurations of Prometheus, Alertmanager and collectors. "
    "A key that is like none is not judged: another release may read it.",
)
