"""A job of GitHub reaches its services where the job runs: by name in a container alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tarmac.base.foreign.reading import Path, dig, fields, items, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: With these another program may know the name: a container of the step, or the runner's own table.
_KNOWN = re.compile(
    r"/etc/hosts|\bdocker[ -](compose|run|exec|build|network)\b|\bpodman\b|docker://"
    r"|job\.services\.[\w-]+\.network|job\.container\.network|\bkubectl\b|\bact\b"
)
#: Actions that run in a container, which is on the network of the services.
_IN_CONTAINERS = re.compile(r"docker://|\./")
#: Actions that run on the runner itself.
_ON_RUNNER = re.compile(r"(actions|docker|github|ruby|shivammathur|astral-sh|pnpm|codecov|erlef)/")
_HOST_NAME = re.compile(r"(?:\w+_)?HOST(?:NAME)?|\w+_SERVER|(?:\w+_)?ADDR(?:ESS)?")
#: What is sent to a server, which may run in a container and read the name there.
_SENT = re.compile(r"(?<=\s)(?:-d|--data(?:-\w+)?|--json)[= ]?(?:'[^']*'|\"(?:[^\"\\]|\\.)*\")")
_ADDRESS = r"(?:^|(?<=[@\s\"'=,])|(?<=//)){name}:\d{{4,5}}(?![\w.-])"
_AS_OPTION = r"(?:\s-h\s*|\s--host[= ]){name}(?=$|[\s\"';&|])"


def check(files: Files) -> Iterator[Finding]:
    """Yield names of services in jobs that run on the runner itself."""
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            if _is_on_runner(job):
                yield from _called(workflow, name, job)


def _is_on_runner(job: Job) -> bool:
    """Tell whether all of a job's steps run on a runner of GitHub, and none in a container."""
    runner = str(job.data.get("runs-on"))
    is_hosted = not re.search(r"self-hosted|\$\{\{", runner) and "container" not in job.data
    is_closed = not any(_KNOWN.search(text) for text in job.texts)
    return is_hosted and is_closed and not any(_IN_CONTAINERS.match(s.uses) for s in job.steps)


def _called(workflow: Workflow, name: str, job: Job) -> Iterator[Finding]:
    for service, data in fields(job.data, "services").items():
        for path, text in _read(job):
            if not _names(str(service), str(path[-1]), text):
                continue
            what = f"{name} calls {service} by its name, which is known in a container only, and"
            said = f"{what} this job runs on the runner itself"
            advice = "write localhost and the port that it publishes"
            if not items(data, "ports"):
                advice = "publish its port under `ports`, and write localhost"
            # An action may run in a container, and read what is set for the whole job.
            is_open = path[0] == "env" and any(map(_may_contain, job.steps))
            where = workflow.at("jobs", name, *path)
            yield Finding(where, f"{said}: it is not found; {advice}", warning=is_open)
            break


def _may_contain(step: Step) -> bool:
    return bool(step.uses) and not _ON_RUNNER.match(step.uses)


def _read(job: Job) -> Iterator[tuple[Path, str]]:
    """Yield the texts that a job's own programs read."""
    yield from places(job.data.get("env"), ("env",))
    for number, step in enumerate(items(job.data, "steps")):
        for key in ("env", "run") if isinstance(step, Mapping) else ():
            yield from places(dig(step, key), ("steps", number, key))


def _names(service: str, key: str, text: str) -> bool:
    own = re.escape(service)
    if key == "run":
        spoken = _SENT.sub("", re.sub(r"(?m)^[ \t]*(#|echo\b).*$", "", text))
        patterns = (_ADDRESS, _AS_OPTION)
        return any(re.search(one.format(name=own), spoken) for one in patterns)
    is_host = _HOST_NAME.fullmatch(key.upper()) is not None and text.strip() == service
    return is_host or re.search(_ADDRESS.format(name=own), text) is not None


def _judged(files: Files) -> Iterator[Job]:
    for workflow in workflows(files):
        yield from (job for job in workflow.jobs.values() if fields(job.data, "services"))


GATE = Gate(
    id="PIP031",
    title="A job of GitHub reaches its services where the job runs",
    phase="delivery",
    source="https://docs.github.com/en/actions/tutorials/use-containerized-services: on the runner "
    "itself a service is reached at localhost, by a port that is published",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs with services", _judged),
    targets=("repository",),
    reads="`env` and `run` of jobs on runners of GitHub that have services and no container. A job "
    "with a step of Docker is not judged.",
)
