"""Stores in pods write where their volume is: beside it the data is lost with the container."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.foreign.reading import items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.moved_data import moved_data
from tarmac.check.gates.views.compose.stores import data_path, is_rebuilt
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.overlays.kustomizations import is_renamed
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.mounted_texts import mounted_texts
from tarmac.check.gates.views.pods.pods import SERVING, Pods, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

#: Volumes that end with the pod, or whose content is known.
_SHORT = ("emptyDir", "configMap", "secret", "projected", "downwardAPI", "ephemeral")
#: Folders of a volume that is for something else than the data.
_OTHER = re.compile(
    r"(?i)back|dump|import|log|conf|etc|cert|tls|secret|init|tmp|plugin|script|restore|wal|archive"
    r"|extension|ssl|key|share|run/|entrypoint|\$|tablespace|export|snapshot|module"
)
#: Options by which servers are told another folder.
_TOLD = re.compile(
    r"(?<!\S)(?:--(?:dir|dbpath|datadir|data-dir|path\.data)|-D)[= ]\s*(/[^\s\"';]+)"
)
_DIR = re.compile(
    r"^[ \t]*(?:dir|dbPath:|dbpath\s*=|datadir\s*=)\s+[\"']?(/[^\s\"']+)", re.MULTILINE
)
_FILE = re.compile(r"(/[\w./-]+\.(?:conf|cnf|ya?ml))\b")
_CONFIGURED = re.compile(r"\bconf|\.cnf\b|(?<!\S)-f\b")


class Store(NamedTuple):
    """A container that runs a store's server, and what is known of its image."""

    own: Pods
    container: Container
    name: str
    version: str
    about: Mapping[str, Any]


def check(files: Files) -> Iterator[Finding]:
    """Yield volumes of stores that are beside the data."""
    yield from _moved(files)
    for store in _stores(files):
        usual = data_path(store.about["data"], store.version)
        path = _place(files, store, usual)
        if path is None:
            continue
        within = (path, *(store.about.get("within", ()) if path == usual else ()))
        mounted = [mount.path.rstrip("/") for mount in store.container.mounts]
        yield from _on_disk(store, path)
        if any(_is_in(place, mount) and not _between(mount, usual, place)
               for mount in mounted for place in within):  # fmt: skip
            continue
        for number, mount in enumerate(store.container.mounts):
            if mount.volume in _lasting(store.own) and not _OTHER.search(mount.path):
                is_above = _is_in(path, mount.path.rstrip("/"))
                what = f"{title(store.own.artifact)} mounts its volume {mount.volume} at"
                image = f"{store.name}:{store.version or 'latest'}"
                said = f"{what} {mount.path}, and {image} has its data at {path}"
                why = "which is a volume of the image itself" if is_above else "so it is lost with"
                end = "mount it there" if is_above else "the container; mount it there"
                sign = ";" if is_above else ""
                where = store.container.at("volumeMounts", number)
                # Not every runtime makes the volumes that an image declares.
                yield Finding(where, f"{said}, {why}{sign} {end}", warning=is_above)
                break


def _moved(files: Files) -> Iterator[Finding]:
    """Yield variables by which other stores keep their data beside their volume."""
    for own, container in _others(files):
        given = own.variables.of(container)
        paths = [mount.path for mount in container.mounts]
        found = moved_data(container.image, {name: one.text for name, one in given.items()}, paths)
        if found:
            what = f"{title(own.artifact)} mounts its volume at {paths[found.volume]}, and has its"
            said = f"{what} data at {found.place} ({found.variable}), so it is lost with the"
            yield Finding(given[found.variable].where, f"{said} container; write that path")


def _others(files: Files) -> Iterator[tuple[Pods, Container]]:
    """Yield containers of stores that have their data where a variable says."""
    for own in pods(files, *SERVING):
        for container in own.main_containers:
            name = untagged(container.image)
            is_known = any(re.fullmatch(one["image"], name) for one in _movable())
            if is_known and name.rpartition("/")[2] not in published("compose")["stores"]:
                yield own, container


def _movable() -> Any:
    return published("moved_data")["images"]


def _judged(files: Files) -> Iterator[object]:
    yield from _stores(files)
    yield from _others(files)


def _on_disk(store: Store, path: str) -> Iterator[Finding]:
    """Yield data of PostgreSQL at the root of a disk, which has a folder of its own there."""
    for number, mount in enumerate(store.container.mounts if store.name == "postgres" else ()):
        is_root = mount.path.rstrip("/") == path and not mount.sub_path
        if is_root and mount.volume in _claimed(store.own) and not mount.data.get("subPathExpr"):
            what = f"{title(store.own.artifact)} has the data of {store.name} at the root of its"
            said = f"{what} volume: a disk has lost+found there, and initdb refuses a folder that"
            where = store.container.at("volumeMounts", number)
            advice = "is not empty; write a subPath, or PGDATA below it"
            yield Finding(where, f"{said} {advice}", warning=True)


def _claimed(own: Pods) -> set[str | None]:
    """List the volumes of claims that are made for the pod."""
    made = items(own.artifact.data, "spec", "volumeClaimTemplates")
    return {string(one, "metadata", "name") for one in made}


def _place(files: Files, store: Store, usual: str) -> str | None:
    """Return where a store writes; None where that is not known."""
    moved = set(store.about.get("moved", ()))
    given = store.own.variables.of(store.container)
    for name in (one for one in given if one in moved):
        value = given[name].text
        return value.rstrip("/") if value.startswith("/") and "$" not in value else None
    if moved and not store.own.variables.are_known(store.container):
        return None
    words = " ".join(store.container.words)
    if told := _TOLD.search(words):
        return str(told[1]).rstrip("/")
    if not _CONFIGURED.search(words):
        return usual
    texts = mounted_texts(files, store.own)
    read = [texts[path] for path in _FILE.findall(words) if path in texts]
    if not read or "include" in read[0]:
        return None
    written = _DIR.search(read[0])
    return posixpath.normpath(written[1]) if written else usual


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _between(mount: str, usual: str, path: str) -> bool:
    """Tell whether the image's own volume is between a mount and the data."""
    return mount != usual and _is_in(usual, mount) and _is_in(path, usual)


def _lasting(own: Pods) -> set[str | None]:
    """List the volumes that outlive the pod."""
    kept = {volume.name for volume in own.spec.volumes if volume.kinds - {*_SHORT}}
    return {*_claimed(own), *kept}


def _stores(files: Files) -> Iterator[Store]:
    for own in pods(files, *SERVING):
        for container in own.main_containers:
            of, _, image = container.image.partition("@")[0].rpartition("/")
            name, _, version = image.partition(":")
            about = published("compose")["stores"].get(name)
            if about is None or is_rebuilt(of, name) or "$" in container.image:
                continue
            if is_renamed(files, container.image):
                continue
            words = container.words
            programs = "|".join(map(re.escape, about["programs"]))
            is_plain = not container.data.get("command") and words[:1] < ("0",)
            if is_plain or (programs and re.search(rf"\b({programs})\b", " ".join(words))):
                yield Store(own, container, name, version, about)


GATE = Gate(
    id="OBJ026",
    title="Stores in pods write where their volume is",
    phase="kubernetes",
    source="https://hub.docker.com/_/redis, and the pages of the others there: each image has its "
    "data in a folder of its own",
    check=check,
    of_files=check,
    scope=counted_in_files("stores in pods", _judged),
    targets=("cluster",),
    reads="images, mounts, variables and options of stores that assets/published.yaml knows, and "
    "their configuration where a ConfigMap has it.",
)
