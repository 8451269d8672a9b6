"""The parts of one service of a compose file, each in all the forms that the format allows."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import yaml

from tarmac.adopt.containers.container import named_signal, plain, words
from tarmac.adopt.survey.found import SKIPPED, Folder, port_number, valid_name
from tarmac.adopt.variables import dotenv_files
from tarmac.base.dotenv import literal_names
from tarmac.base.foreign.data import BoundedLoader

_LIMITS = "limits and copies are an environment's: `resources` and `replicas` have them"
#: What has no counterpart here, and why; the rest either is carried over or means nothing here.
LEFT_OUT = {
    **dict.fromkeys(("tmpfs", "shm_size"), "its folders are this machine's"),
    **dict.fromkeys(("ulimits", "mem_limit", "mem_reservation", "cpus"), _LIMITS),
    **dict.fromkeys(("cpuset", "pids_limit", "deploy", "storage_opt", "scale"), _LIMITS),
    **dict.fromkeys(("gpus", "runtime"), "programs see this machine's devices"),
    **dict.fromkeys(("pid", "ipc", "userns_mode", "group_add"), "programs run as you"),
    **dict.fromkeys(("dns", "dns_search", "dns_opt"), "names are this machine's own"),
    **dict.fromkeys(("external_links", "volumes_from"), "it is another container's"),
    "privileged": "programs run as you",
    "devices": "programs see this machine's devices",
    "cap_add": "programs run as you",
    "network_mode": "everything is on 127.0.0.1",
    "extra_hosts": "names are this machine's own",
    "configs": "the files are in the repository",
    "sysctls": "they are the kernel's",
    "user": "programs run as you",
}


#: The forms that each key may have; what has another one counts as not given.
FORMS: dict[str, tuple[type, ...]] = {
    "build": (str, dict),
    "command": (str, list),
    "depends_on": (list, dict),
    "entrypoint": (str, list),
    "env_file": (str, list),
    "environment": (list, dict),
    "expose": (list,),
    "healthcheck": (dict,),
    "image": (str,),
    "links": (list,),
    "ports": (list,),
    "profiles": (list,),
    "volumes": (list,),
    "working_dir": (str,),
}


def shaped(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a service what has no form that the format knows."""
    return {k: v for k, v in spec.items() if isinstance(v, FORMS.get(k, object))}


class Texts(BoundedLoader):
    """Reads every scalar as text: to YAML 1.1, `3022:22` is a number of base 60."""


Texts.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":merge", ":null"))]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def listed(value: Any) -> list[str]:
    """Return a list of texts from one text, a list or a mapping's keys."""
    if isinstance(value, dict | list):
        return [str(item) for item in value if not isinstance(item, dict)]
    return [str(value)] if value else []


def environment_of(
    spec: Mapping[str, Any], root: Folder, values: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...], dict[str, str]]:
    """Read the variables that a service is given.

    Returns:
        The variables, the names of those without a value, and the file of each value that comes,
        at least in part, from a file that git does not keep.
    """
    given: dict[str, str | None] = {}
    private: dict[str, str] = {}
    files = spec.get("env_file") or ()
    beside = [source for source, target in mounts_of(spec) if target.endswith("/.env")]
    for entry in [*(files if isinstance(files, list) else [files]), *beside]:
        path = str(entry.get("path") if isinstance(entry, dict) else entry).removeprefix("./")
        content, file = dotenv_files.of_file(root, path)
        private |= dict.fromkeys(content, path) if file == path else {}
        literal = literal_names(root.read(file)) if file else frozenset[str]()
        for key, raw in content.items():
            others = {name: value for name, value in content.items() if name != key}
            whole, unknown = dotenv_files.filled(raw, {**others, **values})
            # What an example leaves empty, its reader fills in.
            is_filled_in = dotenv_files.is_secret(key) and "PASS" not in key
            is_left = not raw and file != path and (is_filled_in or key == "NODE_ENV")
            kept = raw.replace("$", "$$") if key in literal else raw if unknown else whole
            given[key] = None if is_left else kept
    own = spec.get("environment") or {}
    for entry in own if isinstance(own, list) else own.items():
        name, value = entry if isinstance(entry, tuple) else (*str(entry).split("=", 1), None)[:2]
        given[str(name)] = values.get(str(name)) if value is None else str(value)
        private.pop(str(name), None)
        whole = "" if value is None else dotenv_files.filled(str(value), {})[0]
        if dotenv_files.filled(given[str(name)] or "", values)[0] != whole and root.has(".env"):
            private[str(name)] = ".env"
    env: dict[str, str] = {}
    missing: list[str] = []
    for name, text in given.items():
        value, open_names = dotenv_files.filled(text or "", _for_an_address(text or "", values))
        if text is None or (open_names and not value):
            missing.append(name)
        else:
            env[name] = value
    return env, tuple(missing), private


def _for_an_address(text: str, values: Mapping[str, str]) -> Mapping[str, str]:
    """Return values that leave an address one: a password may have an `@`, a `/` or a `#`."""
    match = re.match(r"[a-z][a-z0-9+.-]*://([^@\s]*\$[^@\s]*)@", text)
    if match is None:
        return values
    names = re.findall(r"\$\{?([A-Za-z_]\w*)", match[1])
    return {**values, **{name: quote(values[name], safe="") for name in names if name in values}}


def ports_of(spec: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Yield (number that people use, number in the container) of each port."""
    taken: set[int] = set()
    for entry in spec.get("ports") or ():
        if isinstance(entry, dict):
            target, published = str(entry.get("target")), str(entry.get("published") or "")
        else:
            text = str(entry).split("/")[0]
            *before, target = text.rsplit(":", 2)
            published = before[-1] if before else ""
        if re.fullmatch(r"(?:\$\{?\w+\}?)?", target):  # a variable that nothing gives a value
            target = published
        if number := port_number(target):
            taken.add(number)
            yield port_number(published) or number, number
    for entry in listed(spec.get("expose")):
        if (number := port_number(entry)) and number not in taken:
            yield number, number


def commands_of(spec: Mapping[str, Any], values: Mapping[str, str]) -> tuple[str, ...]:
    """Join entry point and command, in either form."""
    argv: list[str] = []
    values = {**values, **_told_as_well(spec, values)}
    for key in ("entrypoint", "command"):
        value = spec.get(key)
        if isinstance(value, list):
            argv += [dotenv_files.filled(str(item), values)[0] for item in value]
        elif value:
            argv += words(dotenv_files.filled(str(value), {"PORT": "$PORT", **values})[0])
    return plain(tuple(argv))


def environment_lines(environment: Any) -> Iterator[str]:
    """Yield what a container is told, as lines."""
    if isinstance(environment, dict):
        yield from (f"{name}={value}" for name, value in environment.items())
    yield from map(str, environment if isinstance(environment, list) else ())


def _told_as_well(spec: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    """Leave to a shell what no file gives and the container is told by its own name: `$USER`."""
    words = spec.get("command")
    is_shells = isinstance(words, list) and len(words) > 2 and words[1] == "-c"
    own = spec.get("environment") if is_shells else None
    told = map(_OF_ITS_NAME.fullmatch, environment_lines(own))
    names = [str(match[1]) for match in told if match]
    return {name: f"${name}" for name in names if not values.get(name)}


#: A variable of a container that only hands on the one of that name.
_OF_ITS_NAME = re.compile(r"([A-Za-z_]\w*)=\$\{?\1\}?")


def needs_of(spec: Mapping[str, Any]) -> list[str]:
    """List what it depends on, links included."""
    names = [*listed(spec.get("depends_on")), *listed(spec.get("links"))]
    return list(dict.fromkeys(name.split(":")[0] for name in names))


def probe_of(spec: Mapping[str, Any]) -> str:
    """Read a path off a health check that asks by HTTP; a container's other tools are not here."""
    test = (spec.get("healthcheck") or {}).get("test") or ""
    text = " ".join(map(str, test)) if isinstance(test, list) else str(test)
    match = re.search(
        r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::[^/\s\"']+)?(/[^\s\"'|)]*)?", text
    )
    path = (match[1] or "/") if match else ""
    return path.partition("?")[0] if "$" in path else path


def checked_port(spec: Mapping[str, Any]) -> int:
    """Read where a program listens off its health check: `nc -z localhost 80`; 0: it is silent."""
    test = " ".join(listed((spec.get("healthcheck") or {}).get("test")))
    here = r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])"
    match = re.search(rf"{here}[:/ ](\d{{2,5}})(?!\d)", test)
    return port_number(match[1]) if match else 0


def end_of(spec: Mapping[str, Any]) -> tuple[str, float]:
    """Read the signal that ends a container, and the seconds that it has; "" and 0 by default."""
    text = str(spec.get("stop_grace_period") or "")
    parts = re.findall(r"([\d.]+)(h|m(?!s)|s|ms|us)", text)
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001, "us": 0.000001}
    seconds = sum(float(number) * units[unit] for number, unit in parts)
    return named_signal(str(spec.get("stop_signal") or "")), seconds


def hook_of(spec: Mapping[str, Any], moment: str) -> str:
    """Read what runs in a container at `post_start` or `pre_stop`, as one line for a shell."""
    hooks = spec.get(moment)
    commands = [hook.get("command") for hook in hooks or () if isinstance(hook, Mapping)]
    lines = [shlex.join(map(str, c)) if isinstance(c, list) else str(c or "") for c in commands]
    return " && ".join(filter(None, lines))


def mounts_of(spec: Mapping[str, Any], below: str = "/") -> Iterator[tuple[str, str]]:
    """Yield the folders of the repository that are mounted: (here, there)."""
    for source, target in _pairs(spec):
        if source.startswith(".") and target.startswith(below):
            yield source, target


def _pairs(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for entry in spec.get("volumes") or ():
        if isinstance(entry, dict):
            yield str(entry.get("source") or ""), str(entry.get("target") or "")
        else:
            source, _, rest = str(entry).partition(":")
            yield source, rest.split(":")[0]


#: Where package managers keep what they have downloaded, in the images that they are in.
_CACHES = re.compile(
    r"/go/pkg|/root(?:/|$)|/\.(?:cache|npm|m2|gradle|cargo|nuget|yarn|pnpm-store|composer)(?:/|$)|"
    r"/pnpm/store|/var/cache"
)


def volumes_of(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield a container's named volumes: (name, path there)."""
    for source, target in _pairs(spec):
        named = source and target and not source.startswith((".", "/", "~"))
        built = posixpath.basename(target.rstrip("/")) in SKIPPED  # a cache of its build
        if named and not built and not _CACHES.search(target):
            yield valid_name(source), target.rstrip("/")


def secrets_of(spec: Mapping[str, Any]) -> dict[str, str]:
    """Read the secrets that a container has as files: the path there -> the secret's name."""
    entries = spec.get("secrets")
    found = {}
    for entry in entries if isinstance(entries, list) else ():
        said = entry if isinstance(entry, dict) else {"source": entry}
        name = str(said.get("source"))
        found[posixpath.join("/run/secrets", str(said.get("target") or name))] = name
    return found


def path_inside(path: str, workdir: str) -> str:
    """Return where a container's path is in the program's own folder."""
    inside = path.startswith(f"{workdir}/")
    return posixpath.relpath(path, workdir) if inside else posixpath.basename(path)


def volume_folders(spec: Mapping[str, Any], workdir: str) -> dict[str, str]:
    """Say where a container's named volumes are in the program's own folder, each apart."""
    found: dict[str, str] = {}
    for volume, target in volumes_of(spec):
        path = path_inside(target, workdir)
        found[volume] = volume if path in found.values() else path
    return found


def on_a_volume(word: str, spec: Mapping[str, Any], folders: Mapping[str, str]) -> str:
    """Say the path of a volume in a word of a command as the one of the program's own folder."""
    option, sign, path = word.rpartition("=")
    for volume, target in volumes_of(spec):
        if len(target) > 1 and (path == target or path.startswith(f"{target}/")):
            return f"{option}{sign}{folders[volume]}{path.removeprefix(target)}"
    return word


def keys_left_out(own: str, spec: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is said of a container's keys that have no counterpart, by their reasons."""
    by_reason: dict[str, list[str]] = {}
    for key, why in LEFT_OUT.items():
        if spec.get(key):
            by_reason.setdefault(why, []).append(key)
    yield from (f"{own}: {', '.join(keys)} ({why})" for why, keys in by_reason.items())
    asked = spec.get("healthcheck")
    test = asked.get("test") if isinstance(asked, Mapping) else None
    off = "NONE" in listed(test) or (isinstance(asked, Mapping) and asked.get("disable"))
    if test and not off and not probe_of(spec):
        said = " ".join(word for word in listed(test) if word not in ("CMD", "CMD-SHELL"))
        yield f"{own}: healthcheck `{said}` (its port is asked, or that it runs)"
