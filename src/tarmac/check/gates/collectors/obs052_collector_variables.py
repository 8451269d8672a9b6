"""What a collector is to hand to its parts, it does not take for one of its own variables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import Path, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.collectors import Collector, collectors
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: A part of what a regular expression has found; `$$` before it leaves it as it is.
_GROUP = re.compile(r"(?<!\$)(?:\$\$)*(\$\{(\d+)\})")


def check(files: Files) -> Iterator[Finding]:
    """Yield groups of regular expressions that are taken for variables."""
    for one, path, text in _judged(files):
        if found := _GROUP.search(text):
            what = f"{'.'.join(map(str, path))} has {found[1]}, which the collector takes for an"
            said = f"{what} environment variable, and {found[2]} is not a name of one: it does not"
            yield Finding(one.at(*path), f"{said} start; write $${found[1][1:]}")


@once
def _judged(files: Files) -> Iterator[tuple[Collector, Path, str]]:
    # A file of which kustomize makes a ConfigMap is one of them already.
    seen = set[tuple[Path, str]]()
    for one in sorted(collectors(files), key=lambda one: bool(one.artifact.built_by)):
        for path, text in places(one.data):
            if "$" in text and not (one.artifact.built_by and (path, text) in seen):
                seen.add((path, text))
                yield one, path, text


GATE = Gate(
    id="OBS052",
    title="A collector takes no group of a regular expression for a variable",
    phase="observability",
    source="https://opentelemetry.io/docs/collector/configuration/#environment-variables: ${NAME} "
    "is filled in everywhere, and $$ is a literal $",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("texts with a $ of collectors", _judged),
    reads="all texts of configurations of collectors, in files, ConfigMaps and the operator's "
    "objects.",
)
