"""Arguments that a build is given are those that its Dockerfile takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import join, normpath
from typing import NamedTuple

from tarmac.base.errors import only_near
from tarmac.base.foreign.reading import dig, fields, numbered_texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.images.dockerfiles import dockerfiles
from tarmac.check.gates.views.images.instructions import instructions
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.checkouts import repository_of
from tarmac.check.gates.views.pipelines.workflows import workflows
from tarmac.check.gates.views.scope import counted_in_files

#: What every build takes without an ARG.
_PREDEFINED = re.compile(
    r"(?i)(https?|ftp|no|all)_proxy|BUILDKIT_\w+|SOURCE_DATE_EPOCH|(TARGET|BUILD)(PLATFORM|OS|ARCH|VARIANT)"
)
_NAMES = re.compile(r"(?:^|\s)([A-Za-z_]\w*)(?==|\s|$)")
_NAME = re.compile(r"[A-Za-z_]\w*$")
_TAKEN = re.compile(r"[\"']?\$\{?([A-Za-z_]\w*)\}?[\"']?")
#: Steps of these bases take arguments that the Dockerfile does not show.
_TAKES_MORE = re.compile(r"(?i)onbuild")


class BuildArgument(NamedTuple):
    """An argument that a build is given."""

    holder: str
    where: str
    name: str
    dockerfile: str
    #: The values of all that the build is given.
    given: Mapping[str, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield arguments for which a Dockerfile has no ARG."""
    read = {normpath(file.path): str(file.content) for file in dockerfiles(files)}
    for one in _given(files):
        text = read.get(one.dockerfile)
        if text is None or _TAKES_MORE.search(text) or _PREDEFINED.fullmatch(one.name):
            continue
        own, set_by_env = _arguments(text)
        if one.name in own:
            continue
        near = only_near(one.name, sorted(own))
        is_read = re.search(rf"\$\{{?{one.name}\b", text) is not None
        what = (
            f"{one.holder} gives the build {one.name}, and {one.dockerfile} has no ARG of that name"
        )
        if one.name in set_by_env:
            said = f"{what} but an ENV, which no build sets; write ARG {one.name} before it"
        else:
            advice = f"did you mean '{near}'?" if near else f"write ARG {one.name}, or remove it"
            said = f"{what}, so it is left out; {advice}"
        is_lost = is_read or near or one.name in set_by_env
        # By ENV it has the same value of another argument.
        is_lost = is_lost and not _is_same(one, set_by_env.get(one.name, ""))
        yield Finding(one.where, said, warning=not is_lost)


def _is_same(argument: BuildArgument, by_env: str) -> bool:
    """Tell whether an ENV takes the value of another argument, which is the same."""
    taken, own = _TAKEN.fullmatch(by_env), argument.given.get(argument.name)
    return taken is not None and own is not None and argument.given.get(taken[1]) == own


def _arguments(text: str) -> tuple[set[str], dict[str, str]]:
    """List the names of a Dockerfile's arguments, and the values of those that it sets by ENV."""
    own, by_env = set[str](), dict[str, str]()
    for one in instructions(text):
        if one.word == "ARG":
            own |= set(_NAMES.findall(one.rest))
        elif one.word == "ENV":
            by_env |= dict(re.findall(r"(?:^|\s)([A-Za-z_]\w*)=(\S*)", one.rest))
    return own, by_env


@once
def _given(files: Files) -> Iterator[BuildArgument]:
    for service in compose_services(files):
        if (path := service.dockerfile) is None or "$" in path:
            continue
        args = dig(service.data, "build", "args")
        given: list[tuple[str | int, str, str]] = [
            (str(name), str(name), str(value)) for name, value in fields(args).items()
        ]
        listed = ((number, one.partition("=")) for number, one in numbered_texts(args))
        given += [(number, name, value) for number, (name, _, value) in listed]
        values = {name: value for _, name, value in given}
        for place, name, _ in given:
            where = service.at("build", "args", place)
            yield BuildArgument(f"service {service.name}", where, name, normpath(path), values)
    yield from _of_workflows(files)


def _of_workflows(files: Files) -> Iterator[BuildArgument]:
    for workflow in workflows(files):
        above = workflow.path.partition(".github/")[0]
        if repository_of(files, workflow) is None:
            continue
        for job_name, job in workflow.jobs.items():
            for number, step in enumerate(job.steps):
                folder = str(step.inputs.get("context") or ".")
                file = str(step.inputs.get("file") or join(folder, "Dockerfile"))
                given = str(step.inputs.get("build-args") or "")
                if (
                    not step.uses.startswith("docker/build-push-action@")
                    or "$" in f"{folder}{file}"
                ):
                    continue
                where = workflow.at("jobs", job_name, "steps", number, "with", "build-args")
                lines = (line.strip().partition("=") for line in given.splitlines())
                values = {name: value for name, sign, value in lines if sign and _NAME.match(name)}
                path = normpath(join(above, file))
                for name in values:
                    yield BuildArgument(f"job {job_name}", where, name, path, values)


GATE = Gate(
    id="IMG044",
    title="Arguments that a build is given are those that its Dockerfile takes",
    phase="containers",
    source="https://docs.docker.com/reference/cli/docker/buildx/build/#build-arg: an argument "
    "without ARG is not consumed, and an ENV is not set by a build",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("arguments of builds", _given),
    targets=("compose", "repository"),
    reads="`build.args` of Compose services and `build-args` of docker/build-push-action beside "
    "ARG and ENV of the Dockerfile that they name, where it is here.",
)
