"""Jobs of a GitLab pipeline are in some pipeline, and have the server that they ask."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tarmac.base.foreign.reading import Fields, dig, fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.gitlab import (
    GitlabPipeline,
    gitlab_jobs,
    gitlab_pipelines,
)
from tarmac.check.gates.views.pipelines.gitlab_rules import PIPELINES, is_there
from tarmac.check.gates.views.scope import counted_in_files

_DAEMON = re.compile(r"tcp://([\w.-]+):237[56]")
#: Sources of pipelines that are not tried here.
_OTHERS = re.compile(
    r"\b(web|api|trigger|pipeline|parent_pipeline|chat|external\w*|\w+_push)\b['\"]"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield jobs that no pipeline has, and such that ask a daemon which no service is."""
    for pipeline in gitlab_pipelines(files):
        for name, job in pipeline.jobs.items():
            yield from _never(pipeline, name, job)
            yield from _alone(pipeline, name, job)


def _never(pipeline: GitlabPipeline, name: str, job: Fields) -> Iterator[Finding]:
    """Yield jobs for kinds of pipelines that `workflow` does not make."""
    workflow = dig(pipeline.artifact.data, "workflow", "rules")
    if workflow is None or "rules" not in job or _OTHERS.search(str(workflow)):
        return
    found = {kind: is_there(pipeline, job, kind) for kind in PIPELINES}
    plain = {kind: _without_workflow(pipeline, job, kind) for kind in PIPELINES}
    wanted = [kind for kind, there in plain.items() if there]
    # A condition on what is not known here may be met by a pipeline of another kind.
    is_known = None not in found.values() and None not in plain.values()
    if is_known and wanted and not any(found.values()):
        what = f"job {name} is for pipelines of {' and '.join(wanted)}, and `workflow` makes none"
        said = f"{what} of that kind: it never runs; add a rule to `workflow`"
        yield Finding(pipeline.artifact.at(name, "rules"), said)


def _without_workflow(pipeline: GitlabPipeline, job: Fields, kind: str) -> bool | None:
    data = {key: value for key, value in pipeline.written.data.items() if key != "workflow"}
    return is_there(GitlabPipeline(replace(pipeline.written, content=data)), job, kind)


def _alone(pipeline: GitlabPipeline, name: str, job: Fields) -> Iterator[Finding]:
    """Yield jobs whose daemon is at a name that only a service would have."""
    data = pipeline.artifact.data
    holders = (job, fields(data, "default"), data)
    if not pipeline.is_whole or "extends" in job or "<<" in job:
        return
    told = (str(_variable(holder, "DOCKER_HOST")) for holder in (job, data))
    hosts = [found[1] for one in told if (found := _DAEMON.fullmatch(one))]
    services = next((dig(one, "services") for one in holders if "services" in one), None)
    uses = re.search(r"\bdocker\b", str([job.get("script"), job.get("before_script")]))
    for host in hosts[:1] if uses else ():
        listed = services if isinstance(services, list) else ()
        known = {own for one in listed for own in _names(one)}
        if host in ("docker", "dind") and host not in known:
            what = f"job {name} asks Docker at {host}, and no service of it is called so: there is"
            said = f"{what} no such host; add `services: [docker:dind]`"
            yield Finding(pipeline.artifact.at(name), said)


def _variable(holder: Any, name: str) -> Any:
    value = fields(holder, "variables").get(name)
    return value.get("value") if isinstance(value, Mapping) else value


def _names(service: Any) -> Iterator[str]:
    """Yield the names that a service is found by."""
    image = str(dig(service, "name") if isinstance(service, Mapping) else service)
    if isinstance(service, Mapping) and service.get("alias"):
        yield from str(service["alias"]).replace(",", " ").split()
    plain = image.partition("@")[0]
    head, _, last = plain.rpartition("/")
    own = f"{head}/{last.partition(':')[0]}".strip("/")
    yield own.replace("/", "-")
    yield own.replace("/", "__")
    if "$" in image:
        yield "docker"


GATE = Gate(
    id="PIP065",
    title="Jobs of GitLab are in some pipeline, and have the Docker that they ask",
    phase="delivery",
    source="https://docs.gitlab.com/ci/yaml/workflow: without a rule that is met no pipeline is "
    "made; https://docs.gitlab.com/ci/docker/using_docker_build/#use-docker-in-docker",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs", gitlab_jobs),
    #: Tarmac renders no pipeline of GitLab.
    targets=(),
    reads="`rules` of jobs beside those of `workflow`, in pipelines of a tag, the default branch, "
    "a schedule and a merge request; DOCKER_HOST of pipelines that include no others.",
)
