"""Variables of a server have values with which its image starts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.foreign.reading import dig, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files


class Server(NamedTuple):
    """A server by an image that refuses some values."""

    title: str
    image: str
    #: The variables that are written for it: name, value, and where.
    variables: list[tuple[str, str, str]]
    #: All that it has, as `NAME=value`.
    every: list[str]


def check(files: Files) -> Iterator[Finding]:
    """Yield values for which an image ends before its server starts."""
    for server in _servers(files):
        version = re.findall(r"\d+", server.image.partition("@")[0].rpartition(":")[2])[:2]
        for name, value, where in server.variables:
            for one in _known(server.image)["refused"]:
                is_old = version and [*map(int, version)] < one.get("from", [])
                named = re.fullmatch(one["name"], name)
                if named and re.fullmatch(one["value"], value) and _is_beside(one, named, server):
                    shown = name if re.search("PASS", name) else f"{name}={value}"
                    what = f"{server.title} has {shown}, which {untagged(server.image)} refuses"
                    said = f"{what} ({one['says']}), so it ends at once"
                    yield from () if is_old else [Finding(where, f"{said}; {one['instead']}")]


def _is_beside(one: Mapping[str, Any], named: re.Match[str], server: Server) -> bool:
    """Tell whether there is what a value is refused beside."""
    other = named.expand(one["beside"]) if "beside" in one else ""
    return not other or any(re.fullmatch(other, text) for text in server.every)


@once
def _servers(files: Files) -> Iterator[Server]:
    for beside in compose_files(files):
        for service in beside.services:
            image = service.image or ""
            if _known(image) and not dig(service.data, "entrypoint") and _is_server(service):
                every = [f"{name}={value or ''}" for name, value in service.environment.items()]
                yield Server(f"service {service.name}", image, list(_written(service)), every)
    for own in pods(files):
        for container in own.main_containers:
            is_own = not items(container.data, "command")
            if is_own and _known(container.image) and _starts(container.words, container.image):
                plain = [
                    (name, one.text, one.where)
                    for name, one in own.variables.of(container).items()
                    if "$(" not in one.text
                ]
                every = [f"{name}={value}" for name, value, _ in plain]
                yield Server(title(own.artifact), container.image, plain, every)


def _is_server(service: ComposeService) -> bool:
    return _starts(words(service), service.image or "")


def _starts(told: Any, image: str) -> bool:
    """Tell whether words start the server of an image, and not another program in it."""
    first = next(iter(told), "-")
    return first.startswith("-") or first.rpartition("/")[2] in _known(image)["programs"]


def _written(service: ComposeService) -> Iterator[tuple[str, str, str]]:
    """Yield the variables whose values are written here."""
    for name, value in service.environment.items():
        if value and "$" not in value:
            yield name, value, service.at("environment", name)


def _known(image: str) -> Mapping[str, Any]:
    found = published("refused_values")["images"]
    return next((one for one in found if re.fullmatch(one["image"], untagged(image))), {})


GATE = Gate(
    id="IMG046",
    title="Variables of a server have values with which its image starts",
    phase="containers",
    source="https://github.com/docker-library/mysql/blob/master/docker-entrypoint.sh: the script "
    "of an image ends where a value cannot be meant",
    check=check,
    of_files=check,
    scope=counted_in_files("servers with known variables", _servers),
    targets=("compose", "cluster"),
    reads="variables of Compose services and pods whose image is one of assets/published.yaml and "
    "starts its own server. What has a value by another variable or a Secret is not known.",
)
