"""Commands of containers: a shell reads all of its words, and a server is reached from outside."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from itertools import dropwhile
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, fields, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

_SHELLS = re.compile(r"(/usr)?(/bin/)?(ba|da|a|z|k)?sh")
#: A script that reads the words behind it.
_READS_WORDS = re.compile(r"\$([@*#0-9{]|\{)|\bshift\b|\bgetopts\b|\bset --")
#: A server's own address, as the usual servers are told it.
_LOOPBACK = re.compile(
    r"(?<!\S)(--(host|bind|listen|address|ip|http-address|server\.address)|-b|-H|--bind-address)"
    r"[= ](127\.0\.0\.1|localhost)(:\d+)?(?!\S)"
)

#: Its addresses by options of one kind.
_ADDRESS = re.compile(r"(?<!\S)--[\w-]*address[= ](\S+)")
_OWN = re.compile(r"127\.|localhost|\[?::1")
#: Options of a script, and behind them its next command in the same line.
_FOLDED = re.compile(
    r"\s*set(?:[ \t]+[-+](?:[abefhkmnptuvxBCEHPT]+|[a-zA-Z]*o[ \t]+\w+))+[ \t]+[A-Za-z./][\w./-]*"
)
#: A program with its arguments, in one word: `npm start`, `./migrate && ./serve`.
_LINE = re.compile(r"[\w./-]{2,}( +[^\s{}$]+){1,12}")


class Command(NamedTuple):
    """A command of a container, and where it stands."""

    where: str
    name: str
    words: tuple[str, ...]
    #: Others are to reach it: it has published ports, or is probed at its own address.
    serves: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield words that a shell leaves out, and servers that nothing outside can reach."""
    for one in _commands(files):
        if left := _left_out(one.words):
            what = f"{one.name} runs `sh -c {left[0]}`: a shell takes one word behind -c, so"
            advice = f"write `{' '.join(left)}` as one word"
            yield Finding(one.where, f"{what} `{' '.join(left[1:])}` is not part of it; {advice}")
        if option := _folded(one.words):
            what = (
                f"{one.name} runs a script that begins with `{option}`: in one line, what follows"
            )
            said = f"{what} `set` are words for it, and no command is run; write each on a line of"
            yield Finding(one.where, f"{said} its own (`|` in place of `>`), or write && between")
        if line := _line(one.words):
            what = f"{one.name} starts a program that is called `{line}`, as one word: no shell"
            said = f"{what} reads it, and there is none of that name; write a word for each part"
            yield Finding(one.where, said)
        line = " ".join(one.words)
        if one.serves and (found := _LOOPBACK.search(line)) and not _is_asked_elsewhere(line):
            what = f"{one.name} is to be reached, and listens on {found[3]} inside its container"
            yield Finding(
                one.where, f"{what} (`{found[0]}`), so nothing outside does; write 0.0.0.0"
            )


def _is_asked_elsewhere(line: str) -> bool:
    """Tell whether a server has another address, by which it is reached: that of its health."""
    return any(not _OWN.match(value) for value in _ADDRESS.findall(line))


def _left_out(words: Sequence[str]) -> Sequence[str]:
    """Return a shell's command with the words behind it that it does not read."""
    for number, word in enumerate(words[:-2]):
        if word == "-c" and number and _SHELLS.fullmatch(words[number - 1]):
            # Options of the shell may stand before the command, too.
            rest = [*dropwhile(lambda one: one[:1] in ("-", "+"), words[number + 1 :])]
            script = rest[0] if len(rest) > 1 else ""
            is_program = re.fullmatch(r"[\w./-]+", script)
            return rest if is_program and not _READS_WORDS.search(script) else ()
    return ()


def _folded(words: Sequence[str]) -> str:
    """Return how a shell's script begins whose commands are words of its `set`; "" for others."""
    for before, script in itertools.pairwise(words):
        if re.fullmatch(r"-\w*c", before) and (found := _FOLDED.match(script)):
            return " ".join(found[0].split())
    return ""


def _line(words: Sequence[str]) -> str:
    """Return the first word where it is a whole line of a shell; "" for others."""
    first = words[0] if words else ""
    is_line = _LINE.fullmatch(first) and not first.startswith(("/bin/sh ", "sh ", "bash "))
    return first if is_line and len(words) == 1 else ""


@once
def _commands(files: Files) -> Iterator[Command]:
    for own in pods(files):
        for container in own.containers:
            probes = (container.probe(name) for name in ("startup", "liveness", "readiness"))
            asks = [fields(probe.data, "httpGet") for probe in probes if probe]
            # Of a pod in its node's network, the kubelet may ask the loopback.
            asked = any(one and "host" not in one for one in asks)
            if container.words and not container.data.get("command"):
                # Arguments are for the entrypoint of the image, which may be a shell.
                yield Command(
                    container.at("args"), str(container.name), ("", *container.words), asked
                )
            elif container.words:
                yield Command(container.at("command"), str(container.name), container.words, asked)
    for service in compose_services(files):
        command = words(service)
        # The quotes of a text stay in its words, which then are left alone.
        if told := (*words(service, "entrypoint"), *command):
            is_alone = dig(service.data, "network_mode") is None
            serves = bool(items(service.data, "ports")) and is_alone
            at = service.at("command" if command else "entrypoint")
            yield Command(at, f"service {service.name}", told, serves)


GATE = Gate(
    id="IMG020",
    title="Commands of containers are read whole, and their servers are reached",
    phase="containers",
    source="POSIX: words behind `sh -c COMMAND` are its $0, $1 and so on; a container's loopback "
    "is its own, and published ports and probes come from outside of it",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("commands", _commands),
    targets=("cluster", "compose"),
    reads="command, args and entrypoint of pods and Compose services: one word with blanks is a "
    "line of a shell, and a script in one line has no commands behind its `set`. A pod's server "
    "on its loopback is a finding where the kubelet asks it by HTTP, a service's where it "
    "publishes ports.",
)
