"""Instructions of a Dockerfile, each on one line as Docker reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: A script that a shell reads, with the options of RUN before it.
_OF_SHELL = re.compile(
    r"((?:--\w+=\S+\s+)*)(?:(?:/bin/)?(?:ba|da)?sh(?: -\w+)*\s+)?<<-?\s*[\"']?\w+[\"']?"
)
_CONTROL = re.compile(
    r"^[ \t]*(if|for|while|until|case|\{|\w+\(\))(\s|$)|\b(then|do)$", re.MULTILINE
)
#: A directive by which lines of Windows, with its paths, go on after a backtick.
_BACKTICK = re.compile(r"(?:#[^\n]*\n)*?#[ \t]*escape[ \t]*=[ \t]*`", re.IGNORECASE)
_RUN_OPTIONS = re.compile(r"^(--\w+=\S+\s+)+")


@dataclass(frozen=True)
class Instruction:
    """One instruction, its lines joined."""

    word: str
    rest: str
    line: int

    @property
    def command(self) -> str:
        """What a RUN runs, without its options."""
        return _RUN_OPTIONS.sub("", self.rest, count=1)

    @property
    def copies_context(self) -> bool:
        """Whether it takes files of the build's context, and not of another stage or image."""
        return self.word in ("COPY", "ADD") and "--from" not in self.rest

    @property
    def operands(self) -> list[str]:
        """Its words without options: what a COPY takes and, last, where that is put."""
        return [word for word in self.rest.split() if not word.startswith("--")]


def instructions(text: str) -> Iterator[Instruction]:
    """Read a Dockerfile's instructions; comments are none, and the lines of a script are one."""
    more = "`" if _BACKTICK.match(text) else "\\"
    joined, begun, ends, inside = "", 0, "", list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        if ends:
            if line.strip() != ends:
                inside.append(line)
                continue
            word, rest = _parted(joined)
            yield Instruction(word.upper(), _with_script(word.upper(), rest.strip(), inside), begun)
            joined, ends, inside = "", "", []
            continue
        # An empty line within an instruction does not end it.
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        begun = begun if joined else number
        joined += line.strip().removesuffix(more)
        if line.rstrip().endswith(more):
            joined += " "
            continue
        word, rest = _parted(joined)
        if heredoc := re.search(r"<<-?\s*[\"']?(\w+)", rest):
            ends = heredoc[1]
            continue
        yield Instruction(word.upper(), rest.strip(), begun)
        joined = ""


def _parted(line: str) -> tuple[str, str]:
    """Divide an instruction after its word; Docker takes any blank."""
    word, *rest = line.split(None, 1)
    return word, "".join(rest)


def _with_script(word: str, rest: str, inside: list[str]) -> str:
    """Put the lines that a shell runs where they are read: as one line of commands."""
    shell = _OF_SHELL.fullmatch(rest) if word == "RUN" else None
    if shell is None:
        return rest
    whole = re.sub(r"\\\n\s*", " ", "\n".join(inside))
    lines = [line.strip() for line in whole.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    sign = "; " if _CONTROL.search(whole) else " && "
    return f"{shell[1] or ''}{sign.join(lines)}"
