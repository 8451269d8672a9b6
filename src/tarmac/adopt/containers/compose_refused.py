"""What Compose itself refuses in its file, each with its place.

`compose` asks for the file that Compose reads by its name. A misspelt key or a service that is not
there would be lost without a word, and what `init` writes would not be what its authors meant.

Source: the Compose specification, and the errors of `docker compose config`.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tarmac.adopt.containers.compose_file import ProjectLoader
from tarmac.adopt.containers.compose_parts import FORMS, listed
from tarmac.base.errors import Problem, did_you_mean
from tarmac.base.foreign.data import parsed

#: Keys of a service. A newer Compose may know more: only what looks like one of these is refused.
_KEYS = frozenset(
    re.findall(
        r"\w+",
        """
        annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs
        container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime
        cpu_shares cpus cpuset credential_spec depends_on deploy develop device_cgroup_rules devices
        dns dns_opt dns_search domainname entrypoint env_file environment expose extends
        external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation
        label_file labels links logging mac_address mem_limit mem_reservation mem_swappiness
        memswap_limit models network_mode networks oom_kill_disable oom_score_adj pid pids_limit
        platform ports post_start pre_stop privileged profiles provider pull_policy read_only
        restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal
        storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volumes
        volumes_from working_dir
        """,
    )
)
#: How like a known key a misspelt one is.
LIKE = 0.8
_KINDS: dict[type, str] = {dict: "a mapping", list: "a list", str: "a text"}
#: What a service takes of those that the file defines beside it.
_DEFINED = ("volumes", "networks", "secrets", "configs")


def refused(
    text: str, name: str, services: Mapping[str, Mapping[str, Any]], *, is_whole: bool
) -> Iterator[Problem]:
    """Yield what is wrong in a file.

    Args:
        text: the file.
        name: its path.
        services: those of the project, with what was laid over them.
        is_whole: no other file adds to it, so that what is not in it is not there.
    """
    root = next((node for node, _ in parsed(text, ProjectLoader)), None)
    if not isinstance(root, yaml.MappingNode):
        return
    yield from _twice(root, name)
    top = _entries(root)
    if "services" not in top:
        return
    key, entries = top["services"]
    if not isinstance(entries, yaml.MappingNode):
        what = "`services` is not a mapping; write each service under its name, e.g. `web:`"
        yield Problem(_place(name, key), what)
        return
    defined = {kind: _names(top, kind) for kind in _DEFINED}
    for own, (begin, node) in _entries(entries).items():
        if isinstance(node, yaml.MappingNode):
            yield from _of_keys(own, node, name)
        elif not _is_empty(node):
            yield Problem(
                _place(name, begin), f"service {own} is not a mapping; give it an `image`"
            )
        if is_whole and "include" not in top:
            keys = _entries(node) if isinstance(node, yaml.MappingNode) else {}
            place = {key: _place(name, at) for key, (at, _) in keys.items()}
            for key_, what in _lacking(own, services.get(own) or {}, services, defined):
                yield Problem(place.get(key_, _place(name, begin)), what)


def _twice(node: yaml.Node, name: str) -> Iterator[Problem]:
    """Yield keys that a mapping has twice: the first one would be lost."""
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            yield from _twice(entry, name)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: dict[str, int] = {}
    for key, value in node.value:
        # What `<<` merged in stands elsewhere in the file.
        is_own = node.start_mark.index <= key.start_mark.index < node.end_mark.index
        said = key.value if is_own and isinstance(key, yaml.ScalarNode) else None
        if said in seen:
            what = f"key {said} is there twice, first in line {seen[said]}; join the two"
            yield Problem(_place(name, key), what)
        elif said is not None:
            seen[said] = key.start_mark.line + 1
        yield from _twice(value, name)


def _of_keys(own: str, node: yaml.MappingNode, name: str) -> Iterator[Problem]:
    """Yield the keys of a service that have another form, or are like one that there is."""
    for key, (begin, value) in _entries(node).items():
        forms = FORMS.get(key, ())
        is_mapping, is_list = (isinstance(value, n) for n in (yaml.MappingNode, yaml.SequenceNode))
        form: type = dict if is_mapping else list if is_list else str
        is_known = key in _KEYS or key.startswith("x-") or key == "<<"
        if forms and form not in forms and not _is_empty(value) and not value.tag.startswith("!"):
            wanted = " or ".join(_KINDS[form] for form in forms)
            what = f"`{key}` of {own} is {_KINDS[form]}; write {wanted}"
            yield Problem(_place(name, begin), what)
        elif not is_known and difflib.get_close_matches(key, _KEYS, 1, LIKE):
            what = f"{own} has a key `{key}`, which Compose does not know; "
            yield Problem(_place(name, begin), what + did_you_mean(key, _KEYS))


def _lacking(
    own: str,
    spec: Mapping[str, Any],
    services: Mapping[str, Any],
    defined: Mapping[str, frozenset[str]],
) -> Iterator[tuple[str, str]]:
    """Yield (key, what is wrong) of what a service names and the file does not have."""
    if not any(spec.get(key) for key in ("image", "build", "provider", "extends")):
        yield "", f"service {own} has neither `image` nor `build`; give it one"
    for key in ("depends_on", "links"):
        for target in (entry.split(":")[0] for entry in listed(spec.get(key))):
            is_like = difflib.get_close_matches(target, services, 1, LIKE)
            if target not in services and (key == "links" or is_like):
                known = did_you_mean(target, services)
                yield key, f"{own} needs service '{target}', which this file does not have; {known}"
    for kind in _DEFINED:
        for source in _sources(kind, spec.get(kind)):
            if source not in defined[kind] and (kind, source) != ("networks", "default"):
                what = f"{own} uses '{source}', which is not below `{kind}` of this file; add it"
                yield kind, what


def in_vain(services: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield what is said of services that wait for one which is not there, and is not misspelt.

    Compose starts none of them; here they start, as the rest of the file says.
    """
    for own, spec in services.items():
        waits = spec.get("depends_on")
        hows = waits.values() if isinstance(waits, dict) else ()
        needed = dict(zip(waits, hows, strict=True)) if isinstance(waits, dict) else {}
        for target in listed(waits):
            how = needed.get(target)
            is_optional = isinstance(how, dict) and how.get("required") == "false"
            if target not in services and not is_optional:
                yield f"{own}: it waits for {target}, which its file does not have"


def _sources(kind: str, entries: Any) -> Iterator[str]:
    """Yield the names that a service uses of a kind of things."""
    if isinstance(entries, dict):
        yield from map(str, entries)
        return
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            said = str(entry.get("source") or "")
            if said and (kind != "volumes" or entry.get("type") == "volume"):
                yield said
        elif kind != "volumes":
            yield str(entry)
        elif named := re.match(r"([A-Za-z0-9][\w.-]+):[^\\]", str(entry)):
            yield named[1]


def _names(top: Mapping[str, tuple[yaml.Node, yaml.Node]], kind: str) -> frozenset[str]:
    node = top[kind][1] if kind in top else None
    return frozenset(_entries(node)) if isinstance(node, yaml.MappingNode) else frozenset()


def _entries(node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    pairs = ((key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode))
    return {key.value: (key, value) for key, value in pairs}


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value in ("", "~", "null")


def _place(name: str, node: yaml.Node) -> str:
    mark = node.start_mark
    return f"{posixpath.normpath(name)}:{mark.line + 1}:{mark.column + 1}"
