"""Evidence: a file for each proof that was run: its inputs, its result, how to repeat it.

A leaf: `verify` writes and joins them, drills write theirs. Nothing here decides anything.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tarmac.base import writing
from tarmac.base.foreign import files
from tarmac.base.foreign.data import from_json

#: Beside a system's file.
STATE = ".tarmac"
#: Below it.
FOLDER = "evidence"
_STRUCTURED = {"samples", "tools", "machine"}
_OF_GATE = re.compile(r"(^|-)gate-[A-Z]+\d+\.json$")


@dataclass(frozen=True)
class Evidence:
    """One run of one proof."""

    #: `gate:NET001`, `test:NODE`, `bench:FILE`, `drill:ID`, `measure:memory`.
    what: str
    #: `pass`, `fail` or `skipped`.
    status: str
    #: How far it proves it, and of what: `tested`, `tree`.
    level: str
    target: str
    #: A hash of all that it depends on: of another one it says nothing.
    inputs: str
    #: The rule that decided, in words.
    rule: str
    #: What repeats it.
    command: str
    #: When it was written, UTC.
    at: str
    #: The environment of the model; empty where it depends on none.
    environment: str = ""
    #: What was measured, before the rule was applied.
    samples: Any = None
    tools: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)


def digest(inputs: Iterable[tuple[str, bytes]]) -> str:
    """Hash named contents, in any order."""
    whole = hashlib.sha256()
    for name, content in sorted(inputs):
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def contents(paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Read files by their names as they are written: the same model in another folder is the same.

    Raises:
        OSError: one cannot be read.
    """
    for path in paths:
        yield f"{Path(path).parent.name}/{Path(path).name}", files.content(path)


def of_drill(model: Iterable[str], name: str) -> str:
    """Hash what a drill depends on: the files of the model, its own, and its journeys.

    Args:
        model: the model's files, that of the system first.
        name: the drill's; its file is in `drills/`, beside the system's.

    Raises:
        OSError: a file cannot be read.
    """
    paths = [*model]
    folder = Path(paths[0]).parent
    others = (folder / "drills" / f"{name}.yaml", folder / "journeys.py")
    return digest(contents([*paths, *(str(path) for path in others if path.exists())]))


def machine() -> dict[str, str]:
    """Return what this machine is."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "processor": platform.machine(),
        "processors": str(os.cpu_count()),
        "python": platform.python_version(),
    }


def write(folder: Path, evidence: Evidence) -> Path:
    """Write a file, in place of an older one of the same proof; whole or not at all.

    Args:
        folder: where the model's file is; the evidence is below its `.tarmac`.

    Raises:
        BadInput: a link is in the way.
        OSError: the disk refuses.
    """
    return write_all(folder, [evidence])[0]


def write_all(folder: Path, found: Iterable[Evidence]) -> list[Path]:
    """Write a file for each proof; arguments and errors as `write`."""
    named = [(name_of(one.what, one.environment), _text(one)) for one in found]
    contents = dict(named)
    with writing.opened(folder) as root:
        writing.write_all(root, f"{STATE}/{FOLDER}", contents)
        writing.write_new(root, f"{STATE}/.gitignore", "*\n")
    return [folder / STATE / FOLDER / name for name, _ in named]


def _text(evidence: Evidence) -> str:
    """Write each member in a line of its own; indented throughout, it takes four times as long."""
    members = ((one.name, getattr(evidence, one.name)) for one in fields(Evidence))
    lines = (f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in members)
    return "{\n" + ",\n".join(lines) + "\n}\n"


def name_of(what: str, environment: str = "") -> str:
    """Name the file of a proof in an environment; a long name by its hash."""
    name = re.sub(r"[^\w.-]+", "-", f"{environment}-{what}".strip("-"))
    if len(name) > 120:
        name = f"{name[:100]}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"
    return f"{name}.json"


def read(folder: Path, what: str = "", *, gates: bool = True) -> dict[str, Evidence]:
    """Read evidence of a folder, by its file's path; what cannot be read is left out.

    Args:
        what: of this proof alone, in each environment; empty: of all.
        gates: with that of gates, which is nearly all there is.
    """
    known = {field.name for field in fields(Evidence)}
    found = {}
    for path in sorted(folder.glob(f"*{name_of(what)}")):
        if not gates and _OF_GATE.search(path.name):
            continue
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            raw = files.content(path, limit=files.MAX_GENERATED_BYTES)
            data = {k: v for k, v in from_json(raw.decode()).items() if k in known}
            if all(isinstance(data.get(key, ""), str) for key in known - _STRUCTURED):
                found[str(path)] = Evidence(**data)
    return found
