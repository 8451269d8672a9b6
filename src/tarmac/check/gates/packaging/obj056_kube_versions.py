"""A chart may be installed in the clusters that this repository has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.shell import commands
from tarmac.check.gates.views.pipelines.workflows import workflows
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

#: A version of a range, and its pre-release, as in `>=1.27.0-0`.
_END = re.compile(r"v?\d+(?:\.[\dxX*]+)*(-[0-9A-Za-z]\S*)?")
#: A range with one end.
_LEAST = re.compile(r">=?\s*v?\d+\.\d+\.\d+")
#: Lines of Terraform that make a cluster.
_MADE = re.compile(r'^[ \t]*(?:resource[ \t]+"(\w+)"|source[ \t]*=[ \t]*"([^"]+)")', re.MULTILINE)


def check(files: Files) -> Iterator[Finding]:
    """Yield charts that refuse each version of a cloud's clusters."""
    cloud = next(iter(_clouds(files)), None)
    for artifact in _judged(files) if cloud else ():
        asked = string(artifact.data, "kubeVersion")
        if "{{" not in asked and not any(map(_takes, asked.split("||"))):
            version = published("cluster_versions")["clouds"][cloud]["version"]
            what = f"kubeVersion is {asked!r}, and {cloud} calls its versions {version}: that is a"
            said = f"{what} pre-release for Helm, which such a range never takes, so it refuses the"
            is_simple = _LEAST.fullmatch(asked.strip()) is not None
            advice = f"chart; write {asked.strip()}-0" if is_simple else "chart; add -0 to each end"
            yield Finding(artifact.at("kubeVersion"), f"{said} {advice}", warning=True)


def _takes(range_: str) -> bool:
    """Tell whether a range takes pre-releases: each end of it has one, or it has none."""
    return all(_END.findall(range_))


@once
def _clouds(files: Files) -> Iterator[str]:
    """Yield the clouds whose clusters this repository makes, or deploys to."""
    for name, known in published("cluster_versions")["clouds"].items():
        if any(_is_of(files, known["commands"], known["actions"], known["made"])):
            yield name


def _is_of(files: Files, said: str, actions: str, made: str) -> Iterator[bool]:
    yield from (True for one in commands(files) if re.search(said, one.text))
    for workflow in workflows(files):
        for job in workflow.jobs.values():
            yield from (True for step in job.steps if re.match(actions, step.uses))
    for artifact in files.artifacts:
        text = artifact.content if artifact.path.endswith(".tf") else None
        for found in _MADE.finditer(text) if isinstance(text, str) else ():
            if re.match(made, found[1] or found[2]):
                yield True


@once
def _judged(files: Files) -> Iterator[Artifact]:
    for one in files.artifacts:
        if one.path.rpartition("/")[2] == "Chart.yaml" and string(one.data, "kubeVersion"):
            yield one


GATE = Gate(
    id="OBJ056",
    title="A chart may be installed in the clusters that are here",
    phase="kubernetes",
    source="https://github.com/Masterminds/semver#working-with-prerelease-versions: a range "
    "without a pre-release takes no version with one, and EKS and GKE have such versions alone",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("charts that ask for a version of Kubernetes", _judged),
    targets=(),
    reads="kubeVersion of Chart.yaml, where a script, a workflow or Terraform here deploys to a "
    "cloud of assets/published.yaml whose versions have a pre-release. Judges files without a plan "
    "only.",
)
