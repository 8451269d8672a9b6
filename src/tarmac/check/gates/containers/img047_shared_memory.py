"""Programs that need much shared memory have more of it than a container has by itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.lookups import official
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.images.untagged import by_maker, untagged
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.program_texts import program_texts
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

#: What a container has of it, in MB, and PostgreSQL's own number of workers for one query.
_GIVEN_MB, _PER_QUERY = 64, 2
_OPTION = re.compile(r"(?:^|\s)(?:-c\s*|--)([a-z][\w.-]*)=(\S+)")
_AMOUNT = re.compile(r"(\d+)(kB|MB|GB)?")
_MB = {"kB": 1 / 1024, "MB": 1.0, "GB": 1024.0}
_TORCH = re.compile(r"^(?:import|from)[ \t]+torch\b", re.MULTILINE)
_LOADER = re.compile(r"\bDataLoader\([^#]*?\bnum_workers[ \t]*=[ \t]*([1-9]\d*)\b")
_PLACE = "/dev/shm"  # noqa: S108 - in the container


class Memory(NamedTuple):
    """What a container runs, and whether its shared memory is as it is by itself."""

    title: str
    image: str
    words: Sequence[str]
    where: str
    advice: str


def check(files: Files) -> Iterator[Finding]:
    """Yield programs for which 64 MB of shared memory are too little."""
    for own in _containers(files):
        for image in published("shared_memory")["browsers"]:
            if re.fullmatch(image, untagged(own.image)):
                what = f"{own.title} runs a browser with the 64 MB of shared memory that a"
                said = f"{what} container has by itself, in which large pages crash"
                yield Finding(own.where, f"{said}; {own.advice}", warning=True)
        if _is_postgres(own.image) and (asked := _asked_mb(own.words)) > _GIVEN_MB:
            what = f"{own.title} lets one parallel query take {asked:.0f} MB of shared memory, and"
            said = f"{what} has the 64 MB of any container, so large ones fail: could not resize"
            advice = f"shared memory segment; {own.advice}"
            yield Finding(own.where, f"{said} {advice}", warning=True)
    for own, count in _loaders(files):
        what = f"{own.title} loads its data with {count} processes, which hand it on by shared"
        said = f"{what} memory, and has the 64 MB of any container: they end by a bus error"
        yield Finding(own.where, f"{said}; {own.advice}", warning=True)


def _asked_mb(told: Sequence[str]) -> float:
    """Return what one step of a parallel query may take, by the options of PostgreSQL; 0: none."""
    given = {name.replace("-", "_"): value for name, value in _OPTION.findall(" ".join(told))}
    amount = _AMOUNT.fullmatch(given.get("work_mem", ""))
    workers = given.get("max_parallel_workers_per_gather", str(_PER_QUERY))
    is_elsewhere = given.get("dynamic_shared_memory_type", "posix") != "posix"
    if amount is None or not workers.isdecimal() or int(workers) == 0 or is_elsewhere:
        return 0
    return int(amount[1]) * _MB[amount[2] or "kB"] * (int(workers) + 1)


def _is_postgres(image: str) -> bool:
    maker = by_maker(image)
    return maker == "postgres" or maker in published("compose")["alike"]["postgres"]


def _containers(files: Files) -> Iterator[Memory]:
    """Yield the containers of known images whose shared memory nothing enlarges."""
    for beside in compose_files(files):
        for service in beside.services:
            same = [one for one in beside.services if one.name == service.name]
            if service.image and _is_known(service.image) and not any(map(_is_set, same)):
                name, told = f"service {service.name}", words(service)
                yield Memory(name, service.image, told, service.at("image"), "write shm_size: 1gb")
    for own in pods(files):
        for container in own.main_containers:
            is_set = _holds(mount.path for mount in container.mounts)
            if _is_known(container.image) and not is_set and not own.spec.data.get("hostIPC"):
                name, where = title(own.artifact), container.at("image")
                advice = f"mount an emptyDir of `medium: Memory` at {_PLACE}"
                yield Memory(name, container.image, container.words, where, advice)


def _loaders(files: Files) -> Iterator[tuple[Memory, int]]:
    """Yield containers that start a program of PyTorch whose data come from several processes."""
    started = list(_started(files))
    counts: dict[str, list[int]] = {}
    for one in program_texts(files) if started else ():
        if one.path.suffix == ".py":
            found = _LOADER.search(one.text) if _TORCH.search(one.text) else None
            counts.setdefault(one.path.name, []).append(int(found[1]) if found else 0)
    for script, own in started:
        # Of several programs of one name it is not known which one it is.
        if len(counts.get(script, ())) == 1 and counts[script][0]:
            yield own, counts[script][0]


def _started(files: Files) -> Iterator[tuple[str, Memory]]:
    """Yield what pods start of Python, without shared memory of their own."""
    for own in pods(files):
        for container in own.main_containers if not own.spec.data.get("hostIPC") else ():
            told = " ".join(container.words).split()
            script = next((posixpath.basename(word) for word in told if word.endswith(".py")), "")
            if script and not _holds(mount.path for mount in container.mounts):
                where = container.at("volumeMounts" if container.mounts else "image")
                advice = f"mount an emptyDir of `medium: Memory` at {_PLACE}"
                name = title(own.artifact)
                yield script, Memory(name, container.image, container.words, where, advice)


def _is_set(service: ComposeService) -> bool:
    temporary = dig(service.data, "tmpfs")
    places = [temporary] if isinstance(temporary, str) else listed(temporary)
    mounted = [*service.mounted, *(str(one).partition(":")[0] for one in places)]
    is_open = any(dig(service.data, key) for key in ("shm_size", "ipc", "extends"))
    return is_open or _holds(mounted) or official(service) == ""


def _holds(paths: Collection[str] | Iterator[str]) -> bool:
    return any(path.rstrip("/") == _PLACE for path in paths)


def _is_known(image: str) -> bool:
    browsers = published("shared_memory")["browsers"]
    return _is_postgres(image) or any(re.fullmatch(one, untagged(image)) for one in browsers)


def _judged(files: Files) -> Iterator[object]:
    yield from _containers(files)
    yield from _loaders(files)


GATE = Gate(
    id="IMG047",
    title="Programs that need much shared memory have it",
    phase="containers",
    source="https://hub.docker.com/_/postgres: the 64 MB that Docker gives by itself are too "
    "little for large parallel queries; https://github.com/SeleniumHQ/docker-selenium; "
    "https://github.com/pytorch/pytorch#docker-image: it uses shared memory between processes",
    check=check,
    of_files=check,
    scope=counted_in_files("containers of known programs", _judged),
    targets=("compose", "cluster"),
    reads="work_mem and max_parallel_workers_per_gather in commands of PostgreSQL, and images of "
    "browsers, beside shm_size, ipc and what is mounted at /dev/shm; DataLoader of PyTorch with "
    "num_workers in the program that a pod starts. What queries there are is not "
    "known, so all are warnings.",
)
