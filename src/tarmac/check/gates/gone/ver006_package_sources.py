"""The packages of a base are where its package manager looks for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.gone import gone
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages
from tarmac.check.gates.views.scope import counted_in_files


def check(files: Files) -> Iterator[Finding]:
    """Yield steps that ask a package manager whose sources are gone."""
    for dockerfile in dockerfiles(files):
        for stage in stages(str(dockerfile.content)):
            for one in gone("packages"):
                if one["since"] > files.today or not re.fullmatch(one["image"], stage.image):
                    continue
                if line := _asks(stage, one):
                    what = f"asks for packages of {stage.image}, and fails since {one['since']}"
                    told = f"{what}: {one['what']}; {one['instead']}"
                    yield Finding(f"{dockerfile.path}:{line}", told)
                break


def _asks(stage: Stage, one: Mapping[str, Any]) -> int:
    """Return the first line that asks, unless something has set other sources before; 0: none."""
    for instruction in stage.instructions:
        if any(re.search(one["moved"], before.rest) for before in stage.before):
            return 0
        if re.search(one["moved"], instruction.rest):
            return 0
        if instruction.word == "RUN" and re.search(rf"\b(?:{one['by']})\b", instruction.command):
            return instruction.line
    return 0


GATE = Gate(
    id="VER006",
    title="The packages of a base are where its package manager looks",
    phase="containers",
    source="https://www.debian.org/distrib/archive, https://help.ubuntu.com/community/EOLUpgrades, "
    "https://blog.centos.org/2023/04/end-dates-are-coming-for-centos-stream-8-and-centos-linux-7/",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("Dockerfiles", dockerfiles),
    targets=("repository",),
    reads="RUN of stages from releases of Debian, Ubuntu and CentOS that are archived, by their "
    "tag or that of an official image; not where a step has set other sources before.",
)
