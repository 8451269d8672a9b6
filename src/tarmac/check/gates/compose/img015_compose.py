"""Compose files agree with themselves: volumes, secrets, waits and addresses are declared."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, Path, dig, fields, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files, runs, waited
from tarmac.check.gates.views.compose.options import refused
from tarmac.check.gates.views.compose.ports import unmapped
from tarmac.check.gates.views.compose.secrets import unread
from tarmac.check.gates.views.compose.services import DECLARED, ComposeService
from tarmac.check.gates.views.compose.stores import kept, unreached
from tarmac.check.gates.views.images.image_checks import checked_files, is_checked, is_untested
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.scope import counted_in_files

Fault = tuple[Path, str]
#: What Compose reads where no file is named to it; another one may be read after some of these.
READ_ALONE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_ELSEWHERE = re.compile(r"neither an image nor a build|is not a service here; choose")
CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")
#: Names that Docker gives, and those of networks.
_OWN = ("default", "host", "none", "bridge")


def check(files: Files) -> Iterator[Finding]:
    """Yield what Docker refuses in Compose files, and what does other than it says."""
    checked = checked_files(files)
    for beside in compose_files(files):
        for artifact in beside.artifacts:
            keys = artifact.data.keys() & {"services", "include", "name", *DECLARED}
            if keys and not {"services", "include"} & keys and len(beside.artifacts) == 1:
                yield Finding(artifact.at(), "has no services, so nothing runs; write some")
        for service in beside.services:
            is_read_alone = posixpath.basename(service.artifact.path) in READ_ALONE
            for path, what in faults(service, beside, checked):
                warning = not is_read_alone and _ELSEWHERE.search(what) is not None
                said = f"service {service.name} {what}"
                yield Finding(service.at(*path), said, warning=warning)
        yield from _declarations(beside)


def _declarations(beside: ComposeFiles) -> Iterator[Finding]:
    used = Counter((key, name) for one in beside.services for _, key, name in one.named)
    for key in DECLARED:
        for name, (artifact, _) in beside.declared(key).items():
            which, at = f"{key.removesuffix('s')} {name}", artifact.at(key, name)
            is_used = used[key, name] or (key, name) in beside.taken
            if not is_used and name != "default" and beside.services and beside.is_whole:
                yield Finding(at, f"{which} is declared, and no service uses it; remove it")
            if beside.is_empty(key, name):
                yield Finding(at, f"{which} has no content; write `file` or `environment`")


def faults(
    service: ComposeService, beside: ComposeFiles, checked: frozenset[str]
) -> Iterator[Fault]:
    """Yield where a service is wrong, and how; `checked` has Dockerfiles with a check of health."""
    if not isinstance(service.data, Mapping):
        return
    has_program = any(runs(one) for one in beside.services if one.name == service.name)
    if beside.is_whole and not has_program:
        yield (), "has neither an image nor a build, so nothing runs; write one"
    elif dig(service.data, "build") == {}:
        yield ("build",), "is built of nothing; write `context`"
    yield from _declared(service, beside)
    yield from _waits(service, beside, checked)
    if is_untested(service, beside.services, checked):
        what = "has a healthcheck that tunes one of its image, and tests nothing without"
        yield ("healthcheck",), f"{what}; write `test`, unless its image has it"
    yield from unreached(service, beside.services)
    yield from own_faults(service)


def _declared(service: ComposeService, beside: ComposeFiles) -> Iterator[Fault]:
    own = set()
    for path, key, name in service.named:
        own.add((key, name))
        known = beside.declared(key)
        if name not in known and name not in _OWN and beside.is_whole:
            advice = did_you_mean(name, known) if known else f"declare it under `{key}`"
            yield path, f"names {key.removesuffix('s')} {name}, which no file declares; {advice}"
    yield from unread(service, beside.services)


def _waits(
    service: ComposeService, beside: ComposeFiles, checked: frozenset[str]
) -> Iterator[Fault]:
    others = {one.name: one for one in beside.services}
    waits = service.waited_for
    for name, how in waits.items():
        condition = fields(how).get("condition")
        if "$" in name or is_mark(name) or is_mark(condition):
            continue  # Compose fills it in, or another program
        if name not in others and beside.is_whole:
            what = f"waits for {name}, which is not a service here"
            yield ("depends_on",), f"{what}; {did_you_mean(name, others)}"
        elif condition not in CONDITIONS:
            what = f"waits for {name} with the condition {condition}"
            yield ("depends_on", name), f"{what}; write one of {', '.join(CONDITIONS)}"
        elif condition == "service_healthy" and name in others:
            check = fields(others[name].data, "healthcheck")
            is_own = is_checked(others[name], beside.services, checked)
            if "image" in fields(others[name].data) and not check.get("test") and not is_own:
                what = f"waits until {name} is healthy, and {name} has no healthcheck of its own"
                yield ("depends_on", name), f"{what}; write one, unless its image has it"
    for path, host in service.called:
        is_watched = host in others and "healthcheck" in fields(others[host].data)
        wanted = host in others and service.name not in waited(host, beside)
        if wanted and host not in (service.name, *waits) and (waits or is_watched):
            yield path, f"calls {host}, and does not wait for it; add it to `depends_on`"
        elif (
            host not in others
            and host not in _known(beside)
            and beside.is_whole
            and len(others) > 1
        ):
            yield path, f"calls {host}, which is not a service here; {did_you_mean(host, others)}"


def _known(beside: ComposeFiles) -> set[str]:
    """Find every name that containers are found by."""
    found: set[str] = {one.name for one in beside.services}
    for one in beside.services:
        found |= {str(dig(one.data, "container_name")), str(dig(one.data, "hostname"))}
        found |= {text.rpartition(":")[2] for _, text in places(dig(one.data, "links"))}
        found |= {text for path, text in places(dig(one.data, "networks")) if "aliases" in path}
        found |= {text.partition(":")[0] for _, text in places(dig(one.data, "extra_hosts"))}
        found |= set(map(str, fields(one.data, "extra_hosts")))
    return found


def own_faults(service: ComposeService) -> Iterator[Fault]:
    """Yield where a service is wrong, whatever is beside it."""
    yield from _health(fields(service.data, "healthcheck"))
    count = dig(service.data, "deploy", "replicas") or dig(service.data, "scale")
    if isinstance(count, int) and count > 1 and dig(service.data, "container_name"):
        what = f"has a container_name and is to run {count} times, which is refused"
        yield ("container_name",), f"{what}; remove the name"
    yield from unmapped(service)
    yield from kept(service)
    yield from refused(service)


def _health(check: Fields) -> Iterator[Fault]:
    if not check or check.get("disable"):
        return
    test: Any = check.get("test")
    is_list = isinstance(test, list) and test[:1] not in (["CMD"], ["CMD-SHELL"], ["NONE"])
    if "test" in check and (not test or is_list):
        yield ("healthcheck",), "has a healthcheck without a test that begins with CMD; write one"
    elif isinstance(test, list) and test in (["CMD"], ["CMD-SHELL"]):
        what = f"has a healthcheck of {test[0]} and no command, so it is never healthy; write one"
        yield ("healthcheck", "test"), what
    spans = {key: check[key] for key in ("interval", "timeout", "start_period") if key in check}
    for key, value in spans.items():
        if duration_s(value) is None and "$" not in str(value):
            yield ("healthcheck", key), f"has a {key} of {value}, which is not a duration; write 5s"
    retries = check.get("retries")
    if isinstance(retries, int) and retries < 1:
        yield ("healthcheck", "retries"), f"is unhealthy after {retries} failures; write 3"


GATE = Gate(
    id="IMG015",
    title="Compose files declare what their services name",
    phase="containers",
    source="https://docs.docker.com/reference/compose-file: an undeclared volume stops `up`; a "
    "store without one loses its data with its container, and a lost `depends_on` starts too early",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files(
        "services of Compose files",
        lambda files: (one for beside in compose_files(files) for one in beside.services),
    ),
    targets=("compose",),
    reads="files that are called compose.yaml or docker-compose.yml, together with the others of "
    "their folder; addresses of the form scheme://host:port in variables. With `include`, what is "
    "not declared may be elsewhere, and is not judged.",
)
