"""What a shell offers after a verb: systems, names of a system, environments, drills, topics.

Files are read as data and never as a model: a key press waits for it. What cannot be read offers
nothing, and says nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from tarmac.base.places import SYSTEM_FILE

#: A file of more bytes is of no use between two key presses.
LARGEST = 1_000_000
SYSTEMS = "systems"
#: The argument of `tarmac help`.
TOPIC = "topic"
#: Where a shell's script puts the whole line.
LINE = "COMP_WORDS"


def prepare(verb: click.Command) -> None:
    """Make a verb's arguments and options offer names."""
    for parameter in verb.params:
        if parameter.name in (*OFFERS, TOPIC) and not isinstance(parameter.type, click.Choice):
            parameter._custom_shell_complete = _asked  # noqa: SLF001 - click takes it at birth


def _asked(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    # Of a line that ends in an option without its value, click has parsed nothing.
    line = os.environ.get(LINE, "").split()
    system = next((word for word in line[2:] if _file(Path(SYSTEMS) / word).is_file()), "")
    names = (
        OFFERS[str(parameter.name)](system) if parameter.name != TOPIC else _offered_topics(context)
    )
    return [CompletionItem(name) for name in sorted(set(names)) if name.startswith(begun)]


def _file(folder: Path) -> Path:
    return folder / SYSTEM_FILE


def _model(system: str) -> tuple[Path, Mapping[str, Any]]:
    """Read the file of the system that was named, or that is here or above."""
    import yaml

    here = Path.cwd()
    for folder in (Path(SYSTEMS) / system,) if system else (here, *here.parents):
        with contextlib.suppress(OSError, ValueError, yaml.YAMLError):
            if _file(folder).stat().st_size <= LARGEST:
                found = yaml.load(_file(folder).read_text(), yaml.CSafeLoader)
                return folder, found if isinstance(found, dict) else {}
    return here, {}


def _keys(system: str, *kinds: str) -> Iterator[str]:
    _, model = _model(system)
    for kind in kinds:
        if isinstance(named := model.get(kind), dict):
            yield from map(str, named)


def _systems(system: str) -> Iterator[str]:
    """Offer the systems below here, before one is named."""
    if not system:
        with contextlib.suppress(OSError):
            yield from (one.parent.name for one in Path(SYSTEMS).glob(f"*/{SYSTEM_FILE}"))


def _names(system: str) -> Iterator[str]:
    """Offer services and stores."""
    yield from _systems(system)
    yield from _keys(system, "services", "stores")


def _environments(system: str) -> Iterator[str]:
    yield from _keys(system, "environments")


def _drills(system: str) -> Iterator[str]:
    """Offer drills and game days."""
    yield from _systems(system)
    folder, _ = _model(system)
    for kind in ("drills", "game-days"):
        with contextlib.suppress(OSError):
            yield from (one.stem for one in (folder / kind).glob("*.yaml"))


def _references(system: str) -> Iterable[str]:
    from tarmac.change.create import reference

    del system
    return reference.names()


def _offered_topics(context: click.Context) -> Iterator[str]:
    from tarmac.cli.output import topics

    verbs = context.find_root().command
    if isinstance(verbs, click.Group):
        for names in topics.topics(verbs).values():
            yield from names


#: By the names of arguments and options.
OFFERS: Mapping[str, Callable[[str], Iterable[str]]] = {
    "names": _names,
    "without": _names,
    "system": _systems,
    "given": _systems,
    "environment": _environments,
    "named": _drills,
    "like": _references,
}
