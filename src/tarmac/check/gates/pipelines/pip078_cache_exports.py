"""A builder that sends its cache away can do that."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.inlined_actions import action_of, own_actions
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.workflows import FOLDER, workflows
from tarmac.check.gates.views.scope import counted_in_files

_BUILDS = re.compile(r"docker/(build-push|bake)-action@")
#: Docker's own builder keeps its cache to itself; what is in the image it may write.
_SENT = re.compile(r"type=(?!inline)\w+")
#: What brings another builder, or changes Docker's.
_BUILDERS = re.compile(
    r"setup-buildx-action|buildx\s+(?:create|use)|setup-docker-action|containerd|buildkitd?\b"
    r"|setup-build-action|BUILDX_BUILDER|depot|namespace-?labs|blacksmith|warpbuild"
)


class CacheExport(NamedTuple):
    """A step that builds an image and sends its cache away."""

    where: str
    job: str
    written: str
    has_builder: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield builds that end with an error at their cache."""
    for one in _exports(files):
        if not one.has_builder:
            what = f"{one.job} sends the cache of a build away ({one.written}), which Docker's own"
            said = f"{what} builder refuses: the step fails; add docker/setup-buildx-action before"
            yield Finding(one.where, f"{said} it", warning=True)


@once
def _exports(files: Files) -> Iterator[CacheExport]:
    actions = dict(own_actions(files))
    for workflow in workflows(files):
        root = workflow.path.partition(FOLDER)[0]
        for name, job in workflow.jobs.items():
            runner = str(job.data.get("runs-on") or "")
            if not runner.startswith("ubuntu-"):
                continue  # others may have any builder
            for number, step in enumerate(job.steps):
                written = str(step.inputs.get("cache-to") or "")
                found = _SENT.search(written) if "builder" not in step.inputs else None
                if _BUILDS.match(step.uses) and found:
                    where = workflow.at("jobs", name, "steps", number, "with", "cache-to")
                    yield CacheExport(where, name, found[0], _has_builder(job, root, actions))


def _has_builder(job: Job, root: str, actions: Mapping[str, Artifact]) -> bool:
    """Tell whether a job brings another builder, or may do that in an action not seen here."""
    own = [step.uses for step in job.steps if step.uses.startswith("./")]
    is_open = any(action_of(posixpath.join(root, one), actions) is None for one in own)
    return is_open or bool(_BUILDERS.search(str(job.data)))


GATE = Gate(
    id="PIP078",
    title="A builder that sends its cache away can do that",
    phase="delivery",
    source="https://docs.docker.com/build/cache/backends: the docker driver has the inline cache "
    "alone, unless the images are in containerd's store",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("builds that send their cache away", _exports),
    targets=("repository",),
    reads="cache-to of docker/build-push-action and bake-action on GitHub's own runners, beside "
    "what brings another builder into the job.",
)
