"""Variables in a file of settings are filled in by what reads it, or before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.mounted_files import mounted_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.mounted_texts import mounted_texts
from tarmac.check.gates.views.pods.pods import SERVING, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
#: What may fill a file in before the program reads it.
_FILLS = re.compile(r"envsubst|\bsed\b|gomplate|confd|dockerize|\bsh\b|\bbash\b|entrypoint|expand")


class PlainFile(NamedTuple):
    """A file that a program reads as it stands."""

    where: str
    user: str
    path: str
    text: str
    variables: frozenset[str]
    instead: str


def check(files: Files) -> Iterator[Finding]:
    """Yield variables that stay in the settings as they are written."""
    for one in _mounted(files):
        text = _COMMENT.sub("", one.text)
        for name in dict.fromkeys(_VARIABLE.findall(text)):
            # A configuration of nginx may set one of its own by that name.
            is_set = re.search(rf"(?i)\b(set|map|geo|env|js_set)\b[^;{{]*\b{name}\b", text)
            if name in one.variables and not is_set:
                what = f"{one.user} reads {one.path} as it stands, so ${{{name}}} stays in it: its"
                advice = f"variable of that name is not filled in; {one.instead}"
                yield Finding(one.where, f"{what} {advice}")


@once
def _mounted(files: Files) -> Iterator[PlainFile]:
    for beside in compose_files(files):
        for service in beside.services:
            yield from _of_service(files, service, beside)
    for own in pods(files, *SERVING):
        texts = mounted_texts(files, own)
        for container in own.main_containers if texts else ():
            plain = _plain(container.image, " ".join(container.words))
            names = own.variables.names(container)
            for path, text in texts.items():
                if (instead := _instead(plain, path)) and names:
                    where = container.at("volumeMounts")
                    yield PlainFile(where, title(own.artifact), path, text, names, instead)


def _of_service(files: Files, service: ComposeService, beside: ComposeFiles) -> Iterator[PlainFile]:
    told = [*words(service), *words(service, "entrypoint")]
    plain = _plain(service.image or "", " ".join(told))
    if not plain or dig(service.data, "entrypoint"):
        return
    for outside, inside in mounted_files(service, beside):
        place = on_disk(files, outside)
        if place is None or not outside or not place.is_file():
            continue
        if instead := _instead(plain, inside):
            text = place.read_text(encoding="utf-8", errors="replace")
            user = f"service {service.name}"
            where = service.at("volumes" if dig(service.data, "volumes") else "configs")
            yield PlainFile(where, user, inside, text, service.variables, instead)


def _plain(image: str, told: str) -> list[Mapping[str, Any]]:
    """List which files an image takes as they stand; none where its command may fill them in."""
    name = untagged(image)
    known = published("settings")["plain"]
    if _FILLS.search(told) or is_mark(told):
        return []
    return [one for one in known if re.fullmatch(one["image"], name)]


def _instead(plain: list[Mapping[str, Any]], path: str) -> str:
    return next((str(one["instead"]) for one in plain if re.fullmatch(one["files"], path)), "")


GATE = Gate(
    id="IMG036",
    title="Variables in settings are filled in by what reads them, or before",
    phase="containers",
    source="https://hub.docker.com/_/nginx: its image fills in what lies in /etc/nginx/templates; "
    "https://prometheus.io/docs/prometheus/latest/configuration: variables are filled in in "
    "external_labels alone",
    check=check,
    of_files=check,
    scope=counted_in_files("files of settings", _mounted),
    targets=("compose",),
    reads="${NAME} in files that Compose services and pods mount, where the container has a "
    "variable of that name, beside the images of assets/published.yaml. Not where its command may "
    "fill them in.",
)
