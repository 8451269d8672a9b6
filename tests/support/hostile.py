"""Mutations of real files into hostile ones, and the command line run in this process.

A mutation is three numbers and a name, so that hypothesis can shrink it and a failure is repeated
by what it prints.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import yaml

from tarmac.cli.main import main

ROOT = Path(__file__).parents[2]
#: CPU seconds after which a case hangs; the slowest takes a tenth of that.
HANGS_S = 30
#: What may stand where something else belongs.
VALUES: tuple[Any, ...] = (
    *(None, [], {}, "", "x", 7, -1, 0, 1.5, True, [[]], [1, 2], [None], {"x": [1]}, {7: [1]}),
    *("²", "é", "\ud800", "\0", "a\nb", "../../..", "/etc/passwd", "${", "${stores.db.url}", "*"),
    *("9" * 5000, 10**30, float("inf"), float("nan"), "1e999999999", "Infinity", "999999", "$PORT"),
    *("%s", "{}", "{0}", "'", '"', "a" * 3000, "2026-13-45", "0x_", "-", "[", "{{ .Values.x }}"),
)
#: Pieces that mean something to one format or another.
TOKENS = (
    *(
        b"[",
        b"{",
        b"- ",
        b"? ",
        b": ",
        b"&a ",
        b"*a ",
        b"<<: ",
        b"!!int ",
        b"!!bool ",
        b"!x ",
        b"|\n",
    ),
    *(
        b"\0",
        b"\xff",
        b"\xc3",
        b"\xe9",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\r",
        b"\t",
        b"\x85",
        b"\x1b",
    ),
    *(
        b"---\n",
        b"...\n",
        b"%YAML 9.9\n",
        b"{{ ",
        b"}}",
        b"${",
        b"}",
        b'"',
        b"'",
        b"#",
        b"\\",
        b"`",
    ),
    *(
        b"\n@@ -1,9 +1,9 @@\n",
        b"<<<<<<< a\n",
        b'"..":',
        b"\\u0000",
        b"\\ud800",
        b"$(",
        b"&&",
        b"0x_",
    ),
    *(
        b"2026-13-45",
        b"9" * 5000,
        b"!!timestamp x",
        b"1:1:1:1",
        b".inf",
        b"EXPOSE ",
        b"FROM ",
        b"==",
    ),
    *(
        "\u2028é💥".encode(),
        b"os.environ['",
        b"process.env.",
        b".listen({",
        b"class S(BaseSettings):\n",
    ),
)


@dataclass(frozen=True)
class Mutation:
    """One change of a tree: of what kind, of which file, where in it, by what."""

    kind: str
    file: int
    place: int
    choice: int


@dataclass(frozen=True)
class Outcome:
    """What a verb gave: its exit code, or the traceback of what it raised."""

    code: int
    output: str
    error: str = ""


def files_of(folder: Path) -> list[Path]:
    """List the regular files of a tree."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())


def mutate(folder: Path, mutation: Mutation) -> None:
    """Make one change in a tree."""
    if not (there := files_of(folder)):
        return
    path = there[mutation.file % len(there)]
    if mutation.kind in SPECIAL:
        path.unlink()
        SPECIAL[mutation.kind](path, folder)
        return
    raw = path.read_bytes()
    path.write_bytes(CONTENT[mutation.kind](raw, mutation, path.suffix))


def _insert(raw: bytes, mutation: Mutation, suffix: str) -> bytes:
    del suffix
    at = mutation.place % (len(raw) + 1)
    return raw[:at] + TOKENS[mutation.choice % len(TOKENS)] + raw[at:]


def _repeat(raw: bytes, mutation: Mutation, suffix: str) -> bytes:
    """Repeat a piece of a file, or a token, up to 100 KB: what is quadratic or recursive shows."""
    del suffix
    at = mutation.place % (len(raw) + 1)
    unit = raw[at : at + mutation.choice % 60] if mutation.choice % 2 else b""
    unit = unit or TOKENS[mutation.choice // 2 % len(TOKENS)]
    return raw[:at] + unit * (100_000 // len(unit)) + raw[at:]


def _delete(raw: bytes, mutation: Mutation, suffix: str) -> bytes:
    del suffix
    at = mutation.place % (len(raw) + 1)
    return raw[:at] + raw[at + mutation.choice % 200 :]


def _move(raw: bytes, mutation: Mutation, suffix: str) -> bytes:
    del suffix
    lines = raw.split(b"\n")
    line = lines.pop(mutation.place % len(lines))
    lines.insert(mutation.choice % (len(lines) + 1), line)
    return b"\n".join(lines)


def _bytes(raw: bytes, mutation: Mutation, suffix: str) -> bytes:
    del suffix
    changed = bytearray(raw or b"x")
    changed[mutation.place % len(changed)] = mutation.choice % 256
    return bytes(changed)


def _node(raw: bytes, mutation: Mutation, suffix: str) -> bytes:
    """Replace a node of YAML or JSON by a value of another form."""
    try:
        text = raw.decode()
        documents = [json.loads(text)] if suffix == ".json" else list(yaml.safe_load_all(text))
    except (ValueError, LookupError, AttributeError, TypeError, yaml.YAMLError):
        return _insert(raw, mutation, suffix)  # PyYAML lets all of them out: `!!bool maybe`
    number = mutation.file % len(documents) if documents else 0
    paths = list(_paths(documents[number])) if documents else []
    if not paths or not any(isinstance(document, dict | list) for document in documents):
        return _insert(raw, mutation, suffix)
    path = paths[mutation.place % len(paths)]
    value = VALUES[mutation.choice % len(VALUES)]
    documents[number] = _changed(documents[number], path, value)
    if suffix == ".json":
        return json.dumps(documents[0]).encode()
    return yaml.safe_dump_all(documents).encode(errors="replace")


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, part in items:
        yield from _paths(part, (*path, key))


def _changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    key, *rest = path
    if isinstance(value, list):
        return [_changed(part, (*rest,), new) if n == key else part for n, part in enumerate(value)]
    return {k: _changed(part, (*rest,), new) if k == key else part for k, part in value.items()}


def _link(target: str) -> Callable[[Path, Path], None]:
    return lambda path, _: path.symlink_to(target)


#: Files that are none.
SPECIAL: dict[str, Callable[[Path, Path], object]] = {
    "pipe": lambda path, _: os.mkfifo(path),
    "folder": lambda path, _: path.mkdir(),
    "endless": _link("/dev/zero"),
    "terminal": _link("/dev/tty"),
    "outside": _link("/etc/passwd"),
    "nowhere": _link("not/there"),
    "loop": lambda path, _: path.symlink_to(path.name),
    "empty": lambda path, _: path.touch(),
    "odd name": lambda path, _: Path(
        os.fsdecode(os.fsencode(path.parent) + b"/\xe9\n'x.yaml")
    ).touch(),
    "large": lambda path, _: path.write_bytes(b"a: 1\n" * 500_000),
}
CONTENT: dict[str, Callable[[bytes, Mutation, str], bytes]] = {
    "insert": _insert, "repeat": _repeat, "delete": _delete, "move": _move, "bytes": _bytes,
    "node": _node,
}  # fmt: skip
KINDS = (*CONTENT, *CONTENT, *CONTENT, *SPECIAL)


class Hanging(BaseException):
    """A verb took more CPU time than a case may."""


def _hangs(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise Hanging(f"took more than {HANGS_S} CPU seconds")


def tarmac(*args: str) -> Outcome:
    """Run a verb in this process, as the program does."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    code, error = 0, ""
    before = signal.signal(signal.SIGVTALRM, _hangs)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANGS_S)
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
            mock.patch.object(sys, "argv", ["tarmac", *args]),
        ):
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
                error = traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    out.seek(0)
    return Outcome(code, out.buffer.getvalue().decode(errors="replace"), error)  # type: ignore[attr-defined]
