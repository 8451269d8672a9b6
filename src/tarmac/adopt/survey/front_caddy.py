"""Reads a Caddyfile: which paths it hands to which container, and what it does besides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

#: An upstream as a Caddyfile names it; a variable of its own is none.
_UPSTREAM = re.compile(r"(?:(?:https?|h2c)://)?([A-Za-z][\w.-]*)(?::(\d+))?/?")
#: Blocks whose matcher counts for what stands in them; the second kind takes the path away.
_HANDLES = ("handle", "route", "handle_path")
_PATH = re.compile(r"(/[\w./-]*?)/?\*?")


class HandedOn(NamedTuple):
    """The paths that a server in front hands on, as (path, host, port), and what is left."""

    routes: tuple[tuple[str, str, int], ...]
    left: tuple[str, ...]


class _Line(NamedTuple):
    words: list[str]
    #: The first words of the blocks around it, the outermost first.
    around: tuple[list[str], ...]
    #: It begins a block of its own.
    opens: bool


def read(text: str) -> HandedOn:
    """Read a Caddyfile without its remarks."""
    lines = [*_lines(text)]
    named = {
        line.words[0]: [word for word in line.words[2:] if word.startswith("/")]
        for line in lines
        if line.words[0].startswith("@") and line.words[1:2] == ["path"]
    }
    named |= {
        line.around[-1][0]: line.words[1:]
        for line in lines
        if line.words[0] == "path" and line.around and line.around[-1][0].startswith("@")
    }
    routes: dict[str, tuple[str, int]] = {}
    left: list[str] = []
    for number, line in enumerate(lines):
        match line.words[0]:
            case "reverse_proxy":
                inside = lines[number + 1 :] if line.opens else []
                paths, hosts = _handed(line, inside, named)
                for path in paths:
                    _add(path, hosts, line, routes, left)
            case "file_server" | "php_fastcgi" | "respond" | "redir":
                left.append(f"{line.words[0]} of {_place(line)}, by which it answers itself")
    return HandedOn(tuple((path, *to) for path, to in routes.items()), tuple(dict.fromkeys(left)))


def _lines(text: str) -> Iterator[_Line]:
    around: list[list[str]] = []
    for line in text.splitlines():
        words = line.split()
        opens = bool(words) and words[-1] == "{"
        words = words[:-1] if opens else words
        if words == ["}"]:
            around = around[:-1]
            continue
        if words:
            yield _Line(words, tuple(around), opens)
        if opens:
            around.append(words or [""])


def _handed(
    line: _Line, inside: list[_Line], named: dict[str, list[str]]
) -> tuple[list[str], list[str]]:
    """Return the paths that a line is about, and the hosts that it hands them to."""
    words = line.words[1:]
    matcher = words[0] if words and words[0].startswith(("/", "@", "*")) else ""
    hosts = words[1:] if matcher else words
    for other in inside:
        if len(other.around) <= len(line.around):
            break
        hosts += other.words[1:] if other.words[0] == "to" else []
    outer = [block[1] for block in line.around if block[0] in _HANDLES and len(block) > 1]
    matcher = matcher or next(reversed(outer), "*")
    return named.get(matcher, [matcher]), hosts


def _add(
    path: str,
    hosts: list[str],
    line: _Line,
    routes: dict[str, tuple[str, int]],
    left: list[str],
) -> None:
    plain = _PATH.fullmatch("/" if path == "*" else path)
    upstream = _UPSTREAM.fullmatch(hosts[0]) if len(hosts) == 1 else None
    changes = any(block[0] == "handle_path" for block in line.around)
    if plain is None:
        left.append(f"reverse_proxy of {path}, a pattern")
    elif upstream is None:
        left.append(f"reverse_proxy of {path} to {' '.join(hosts) or 'no host'}")
    elif changes:
        left.append(f"handle_path {path}, whose path it changes to /")
    else:
        routes.setdefault(plain[1] or "/", (upstream[1], int(upstream[2] or 0)))


def _place(line: _Line) -> str:
    """Say what a line is about: the path of a block around it, or the site."""
    paths = [block[1] for block in line.around if block[0] in _HANDLES and len(block) > 1]
    return paths[-1] if paths else "the site"
