"""A Service's name sets no variable that an image in its namespace takes for a setting."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import name_of, title
from tarmac.check.gates.views.overlays.kustomizations import is_renamed
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

#: A port that is read with a number to take where nothing sets it.
_PORT = re.compile(r"\$\{(\w+_PORT):?-(\d+)\}")
_VERSION = re.compile(r":v?(\d+(?:\.\d+)*)")


def check(files: Files) -> Iterator[Finding]:
    """Yield pods to which a Service's name gives a variable that their image refuses."""
    given: dict[tuple[str, str, str], dict[str, Artifact]] = {}
    for one in files.objects("Service"):
        # Of a Service without an address there are no variables.
        has_address = string(one.data, "spec", "clusterIP") != "None"
        if has_address and string(one.data, "spec", "type") != "ExternalName":
            space, folder = place_of(one)
            for pattern, name in _taken(one):
                given.setdefault((space, "" if space else folder, pattern), {})[name] = one
    yield from _read(files)
    for own, container, about in _judged(files):
        space, folder = place_of(own.artifact)
        found = given.get((space, "" if space else folder, about["variables"]), {})
        set_here = own.variables.names(container)
        name = next((one for one in found if one not in set_here), "")
        if name and about.get("unless") not in set_here:
            what = f"{title(found[name])} gives the pods of its namespace the variable {name},"
            which = f"and {container.name} of {title(own.artifact)} {about['does']}"
            advice = "set enableServiceLinks: false in the pod, or rename the Service"
            yield Finding(own.at(), f"{what} {which}; {advice}")


def _read(files: Files) -> Iterator[Finding]:
    """Yield commands that read a port by a name that a Service sets to a whole address."""
    services = {
        (*place_of(one), f"{name_of(one).upper().replace('-', '_')}_PORT"): one
        for one in files.objects("Service")
        if string(one.data, "spec", "clusterIP") != "None"
    }
    for own, container, name, port in _ports(files):
        one = services.get((*place_of(own.artifact), name))
        if one is not None and name not in own.variables.names(container):
            what = f"{container.name} of {title(own.artifact)} reads {name}, and takes"
            said = f"{what} {port} without it, but {title(one)} sets it to tcp://...:{port}"
            advice = "set enableServiceLinks: false in the pod, or give it a value"
            key = "args" if name in str(container.data.get("args")) else "command"
            yield Finding(container.at(key), f"{said}; {advice}")


def _ports(files: Files) -> Iterator[tuple[Pods, Container, str, str]]:
    """Yield ports that commands read, with what they take where nothing sets them."""
    for own in pods(files):
        if dig(own.spec.data, "enableServiceLinks") is not False:
            for container in own.containers:
                for name, port in _PORT.findall(" ".join(container.words)):
                    yield own, container, name, port


def _taken(service: Artifact) -> Iterator[tuple[str, str]]:
    """Yield the first variable of a Service that each kind of image takes for a setting."""
    begin = name_of(service).upper().replace("-", "_")
    made = [f"{begin}_PORT", f"{begin}_SERVICE_HOST", f"{begin}_SERVICE_PORT"]
    for _, port in numbered(service.data, "spec", "ports"):
        made.append(f"{begin}_PORT_{port.get('port')}_{port.get('protocol') or 'TCP'}")
    for about in published("service_links")["images"]:
        pattern = re.compile(about["variables"])
        if name := next(filter(pattern.fullmatch, made), ""):
            yield about["variables"], name


def _judged(files: Files) -> Iterator[tuple[Pods, Container, Fields]]:
    for own in pods(files):
        if dig(own.spec.data, "enableServiceLinks") is False:
            continue
        for container in own.containers:
            for about in published("service_links")["images"]:
                image = re.fullmatch(about["image"], container.image)
                version = _VERSION.search(container.image.rpartition("/")[2])
                numbers = [int(one) for one in version[1].split(".")] if version else []
                is_other = bool(numbers) and numbers < about.get("from", [])
                if "until" in about:  # from there on it is passed over
                    is_other = is_other or not numbers or numbers >= about["until"]
                if (
                    image
                    and not is_other
                    and _starts(container, about)
                    and not is_renamed(files, container.image)
                ):
                    yield own, container, about


def _starts(container: Container, about: Fields) -> bool:
    """Tell whether a container starts the server of its image, and not another command."""
    is_own = "command" in container.data or (about.get("by_words") and container.arguments)
    return not is_own or re.search(about["starts"], " ".join(container.words)) is not None


def _taking(files: Files) -> Iterator[object]:
    yield from _judged(files)
    yield from _ports(files)


GATE = Gate(
    id="OBJ027",
    title="No Service's name sets what an image takes for a setting",
    phase="kubernetes",
    source="https://kubernetes.io/docs/tutorials/services/connect-applications-service: a pod has "
    "NAME_PORT and others of each Service of its namespace, unless enableServiceLinks is false",
    check=check,
    of_files=check,
    scope=counted_in_files("containers that take such settings", _taking),
    targets=("cluster",),
    reads="names of Services beside images that assets/published.yaml lists, with the variables "
    "that they take.",
)
