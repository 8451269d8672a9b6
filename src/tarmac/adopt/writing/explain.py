"""Says of each line of a written `tarmac.yaml` which line of the repository it comes from.

Called by `tarmac init --explain`. It reads the sources again: nothing of the survey keeps a line.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tarmac.adopt.survey.found import Folder, Service, Survey, valid_name
from tarmac.adopt.survey.own import files_of
from tarmac.adopt.variables import code, dotenv_files
from tarmac.adopt.variables.variable_read import line_of
from tarmac.base.errors import BadInput
from tarmac.model.yaml_nodes import Node, YamlMapping, YamlScalar, YamlSequence, compose

#: A key of a service here -> the keys of a compose file that say it there.
_KEYS: dict[str, tuple[str, ...]] = {
    "run": ("command", "entrypoint", "build", "image"),
    "cwd": ("working_dir", "build"),
    "port": ("ports", "expose"),
    "ports": ("ports", "expose"),
    "image_port": ("ports", "expose"),
    "calls": ("depends_on", "links"),
    "stores": ("depends_on", "links"),
    "probe": ("healthcheck",),
    "stop": ("stop_signal", "stop_grace_period"),
    "after_start": ("post_start",),
    "before_stop": ("pre_stop",),
    "volumes": ("volumes",),
}
_OF_VARIABLES = ("env", "secrets")


class ExplainedLine(NamedTuple):
    """One line of the file, and where it comes from."""

    number: int
    #: `compose.yaml:12`; "" for what stands nowhere and is assumed.
    source: str
    #: What the line says.
    text: str


def explained(found: Survey, root: Folder, text: str) -> tuple[ExplainedLine, ...]:
    """List the lines of the written file that come from a line of the repository, in order."""
    written = compose(text, "")
    shown = text.splitlines()
    sources = [source for file in found.origins if (source := _Source.of(root, file)) is not None]
    places = frozenset(service.folder for service in found.services)
    lines: dict[int, ExplainedLine] = {}
    for path, place in _all(found, root, sources, places):
        number = _line(written, path)
        if place and number and number not in lines:
            lines[number] = ExplainedLine(number, place, shown[number - 1].strip())
    return tuple(lines[number] for number in sorted(lines))


class _Source(NamedTuple):
    """A compose file, and the names that its services have here."""

    file: str
    node: Node
    names: dict[str, str]

    @classmethod
    def of(cls, root: Folder, file: str) -> _Source | None:
        """Read it; None for a file of another kind."""
        if not file.endswith((".yml", ".yaml")):
            return None
        try:
            node = compose(root.read(file), file)
        except BadInput:
            return None
        below = _child(node, "services")[1] if node is not None else None
        listed = below.pairs if isinstance(below, YamlMapping) else []
        names = [key.text for key, _ in listed if isinstance(key, YamlScalar)]
        return cls(file, node, {valid_name(n): n for n in names}) if node is not None else None

    def line(self, name: str, *keys: Sequence[str]) -> str:
        """Find the first of these keys of a service; "" where it has none."""
        start = ("services", self.names.get(name, ""))
        found = (_line(self.node, (*start, *key)) for key in keys)
        number = next(filter(None, found), 0)
        return f"{self.file}:{number}" if number else ""

    def in_env_file(self, root: Folder, name: str, variable: str) -> str:
        """Find a variable in the files that a service lists, the last of which counts."""
        node: Node | None = self.node
        for step in ("services", self.names.get(name, ""), "env_file"):
            node = _child(node, step)[1]
        for said in reversed([*_texts(node)]):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(self.file), said))
            file = dotenv_files.of_file(root, path)[1]
            if number := _in_text(root.read(file), variable) if file else 0:
                return f"{file}:{number}"
        return ""


def _texts(node: Node | None) -> Iterator[str]:
    """Yield the paths of an `env_file`: one, or a list of paths or of mappings with one."""
    if isinstance(node, YamlScalar):
        yield node.text
    elif isinstance(node, YamlMapping):
        yield from _texts(_child(node, "path")[1])
    for item in node.items if isinstance(node, YamlSequence) else ():
        yield from _texts(item)


def _in_text(text: str, variable: str) -> int:
    """Find the line of a file of variables that gives one; 0 where none does."""
    pattern = rf"(?m)^[ \t]*(?:export[ \t]+)?{re.escape(variable)}[ \t]*="
    match = re.search(pattern, text)
    return line_of(text, match.start()) if match else 0


def _line(node: Node | None, path: Sequence[str]) -> int:
    """Find the line of the last key of a path; 0 where it is not there."""
    key: Node | None = None
    for step in path:
        key, node = _child(node, step)
    return key.line if key is not None else 0


def _child(node: Node | None, step: str) -> tuple[Node | None, Node | None]:
    """Find a key and its value; in a list the entry that is it or begins with it: `KEY=value`."""
    if isinstance(node, YamlSequence):
        for item in node.items:
            if isinstance(item, YamlScalar) and re.split("[=:]", item.text)[0] == step:
                return item, item
            if isinstance(item, YamlMapping) and _child(item, step)[0] is not None:
                return _child(item, step)
    pairs = node.pairs if isinstance(node, YamlMapping) else []
    for key, value in reversed(pairs):
        if isinstance(key, YamlScalar) and key.text == step:
            return key, value
    for key, value in pairs:  # what an anchor brings along
        if isinstance(key, YamlScalar) and key.text == "<<":
            for base in value.items if isinstance(value, YamlSequence) else [value]:
                if _child(base, step)[0] is not None:
                    return _child(base, step)
    return None, None


def _all(
    found: Survey, root: Folder, sources: list[_Source], places: frozenset[str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what stands in the file, by its path there, with its source."""
    for service in found.services:
        start = ("services", service.name)
        reads = code.variables(files_of(root, service, places, {}))
        for key, theirs in _KEYS.items():
            said = _first(source.line(service.name, *((k,) for k in theirs)) for source in sources)
            if key == "run":
                said = said or _why(service, root)
            yield (*start, key), said
        for variable in (*service.env, *service.secrets):
            said = _first(
                source.line(service.name, ("environment", variable)) for source in sources
            )
            said = said or _first(
                source.in_env_file(root, service.name, variable) for source in sources
            )
            read = reads.get(variable)
            place = posixpath.join(service.folder, read.place) if read is not None else ""
            for key in _OF_VARIABLES:
                yield (*start, key, variable), said or _in_files(root, found, variable) or place
    for store in found.stores:
        said = _first(source.line(store.name, ("image",), ("build",)) for source in sources)
        yield ("stores", store.name), said
    if found.broker is not None:
        name = found.broker.name
        yield ("broker",), _first(source.line(name, ("image",), ("build",)) for source in sources)


def _first(found: Iterable[str]) -> str:
    return next(filter(None, found), "")


def _in_files(root: Folder, found: Survey, variable: str) -> str:
    """Find a variable in a file of variables that was read."""
    for file in found.origins:
        text = root.read(file) if ".env" in file else ""
        if number := _in_text(text, variable):
            return f"{file}:{number}"
    return ""


def _why(service: Service, root: Folder) -> str:
    """Find the line that shows how a program starts: a script, a container's command, an app."""
    file, _, rest = service.why.partition(":")
    path = posixpath.join(service.folder, file.split(",")[0].strip())
    text = root.read(path)
    if not text:
        return ""
    script = rest.strip().removeprefix("scripts.")
    wanted = (rf'"{re.escape(script)}"\s*:', re.escape(rest.strip()), r"(?m)^(?:CMD|ENTRYPOINT)\b")
    matches = (re.search(pattern, text) for pattern in wanted if rest or "CMD" in pattern)
    match = next(filter(None, matches), None)
    return f"{path}:{line_of(text, match.start()) if match else 1}"
