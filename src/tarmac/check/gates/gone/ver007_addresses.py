"""The addresses that commands and charts fetch from answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.gone import gone
from tarmac.check.gates.views.images.dockerfiles import dockerfiles
from tarmac.check.gates.views.images.instructions import instructions
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.shell import commands
from tarmac.check.gates.views.scope import counted_in_files

#: Files that say where a chart's parts come from, and kinds of objects that do.
_CHARTS = re.compile(r"(?:^|/)(?:Chart|requirements|helmfile)\.ya?ml$")
_KINDS = ("Application", "ApplicationSet", "HelmChart", "HelmRelease", "HelmRepository")
#: What is replaced, looked for or talked about, and not asked.
_NOT_ASKED = re.compile(r"insteadOf|\b(?:sed|grep|perl|awk)\b")


def check(files: Files) -> Iterator[Finding]:
    """Yield addresses of what is gone."""
    known = [one for one in gone("addresses") if one["since"] <= files.today]
    any_of = re.compile("|".join(f"(?:{one['address']})" for one in known) or "(?!)")
    for where, text in _texts(files):
        if not any_of.search(text) or _NOT_ASKED.search(text):
            continue
        for one in known:
            if found := re.search(one["address"], text):
                what = f"asks {found[0].strip()}, which fails since {one['since']}: {one['what']}"
                yield Finding(where, f"{what}; {one['instead']}")


@once
def _texts(files: Files) -> Iterator[tuple[str, str]]:
    for dockerfile in dockerfiles(files):
        for one in instructions(str(dockerfile.content)):
            if one.word in ("RUN", "ADD", "ENV", "ARG"):
                yield f"{dockerfile.path}:{one.line}", one.rest
    for command in commands(files):
        if ".md:" not in command.where:
            yield command.where, command.text
    for artifact in files.artifacts:
        if _CHARTS.search(artifact.path) and not isinstance(artifact.content, str):
            yield from ((artifact.at(*path), text) for path, text in places(artifact.data))
    for artifact in files.objects(*_KINDS):
        yield from ((artifact.at(*path), text) for path, text in places(artifact.data))


GATE = Gate(
    id="VER007",
    title="The addresses that commands and charts fetch from answer",
    phase="containers",
    source="https://github.com/kubernetes/release/issues/3485, https://github.blog/2021-09-01-"
    "improving-git-protocol-security-github/ and the others of assets/gone.yaml",
    check=check,
    of_files=check,
    scope=counted_in_files("places with addresses", _texts),
    targets=("repository",),
    reads="RUN, ADD, ENV and ARG of Dockerfiles, commands of workflows and scripts, dependencies of"
    " charts, and objects that name a repository of charts.",
)
