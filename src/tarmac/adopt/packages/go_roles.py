"""The roles of one program of Go: a flag or a subcommand says which of them it plays.

`go.py` asks. Such a program serves by `--server` or `serve`, and takes jobs by `--worker`; without
a word it ends, or writes what words it knows.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tarmac.adopt.survey.found import Folder

_SERVES = re.compile(r"(?i)(?:run|start)?[-_]?(?:http|api|web)?[-_]?(?:serve|server|api|web|http)")
_WORKS = re.compile(r"(?i)(?:run|start)?[-_]?(workers?|consumers?|scheduler)")
#: What makes the tables and ends, where serving needs a switch of its own.
_MIGRATES = re.compile(r"(?i)(?:run|db|auto)?[-_]?(?:migrate|migrations?)")
#: A switch that is off unless it is given: `flag.Bool("server", false, ...)`, in pflag, too.
_SWITCH = re.compile(
    r"\bp?flag\.Bool(?:Var)?P?\(\s*(?:&\w[\w.]*,\s*)?\"([\w-]+)\",\s*(?:\"\w?\",\s*)?false\b"
)
#: A command of a library of command lines, with the name of what holds it.
_COMMAND = re.compile(r"(?:(\w+)\s*:?=\s*)?&?\b(cobra|cli)\.(Command|App)\{")
_NAME = re.compile(r"\b(?:Use|Name):\s*\"([\w-]+)")
#: One that makes tables, and what says that it is to be told more.
_MAKES_TABLES = re.compile(r"\b(?:Use|Name):\s*\"((?:db[-_:]?)?migrate|migrations?)\"")
_TOLD_MORE = re.compile(
    r"\b(?:ExactArgs|MinimumNArgs|RangeArgs|MarkFlagRequired)\(|\bRequired:\s*true|\bargs\[\d|"
    r"(?i:migrat\w*)\.AddCommand\(|\bSubcommands:"
)
_RUNS = re.compile(r"\b(?:Run|RunE|Action):|^\{\}$")
#: The main package, or one of those where commands are.
_PLACES = frozenset({"cmd", "cmds", "cli", "command", "commands"})
#: A command that starts all there is, where no other does.
_STARTS = frozenset({"start", "run", "up", "launch"})
#: Commands beside those that do a program's work.
_AROUND = re.compile(
    r"version|completion|help|docs?|config|(?:db[-_]?)?(?:migrat\w*|seed\w*|reset)"
)
#: An option for a file of settings, without a default; and such files.
_ASKS_FILE = re.compile(r"\bStringVarP?\(\s*&\w[\w.]*,\s*\"config\",\s*(?:\"\w?\",\s*)?\"\"")
_FILE = re.compile(r"config\.(?:ya?ml|toml|json)")
#: Longer ones are looked at as far as here.
LONGEST_COMMAND = 6000


class Roles(NamedTuple):
    """The words that choose a role, as they follow the program."""

    serves: str = ""
    #: What each worker is called, and its word.
    works: tuple[tuple[str, str], ...] = ()
    migrates: str = ""
    #: All words of this kind that the program knows.
    known: frozenset[str] = frozenset()
    #: The file of settings that it serves by, as an option; "" where it needs none.
    settings: str = ""


def of(folder: Folder, main: str, *, is_alone: bool) -> Roles:
    """Read the roles of a main package; no word where it needs none to serve.

    Args:
        is_alone: the module has no other program, so that each of its commands is this one's.
    """
    own, others = [], []
    for file in folder.sources(".go"):
        place = posixpath.dirname(file)
        if place == main:
            own.append(folder.read(file))
        elif _PLACES & {*place.split("/")} and (is_alone or place.startswith(f"{main}/")):
            others.append(folder.read(file))
    module = re.search(r"(?m)^module\s+\S*?([\w.-]+)\s*$", folder.read("go.mod"))
    itself = frozenset({posixpath.basename(main), module[1] if module else ""} - {""})
    roles = _by_commands([*own, *others], itself)
    if roles is not None:
        roles = roles._replace(settings=_settings(folder, [*own, *others]))
    return _by_switches(own) or roles or Roles()


def _settings(folder: Folder, texts: Iterable[str]) -> str:
    """Name the one file of settings at the top to a program that knows none without a word."""
    files = [file for file in folder.files if _FILE.fullmatch(file)]
    is_asked = any(map(_ASKS_FILE.search, texts))
    return f"--config {files[0]}" if is_asked and len(files) == 1 else ""


def _by_switches(texts: Iterable[str]) -> Roles | None:
    names = [name for text in texts for name in _SWITCH.findall(text)]
    serves = [name for name in names if _SERVES.fullmatch(name)]
    works = [(match[1], name) for name in names if (match := _WORKS.fullmatch(name))]
    if not (serves and works):
        return None
    migrates = next((f"--{name}" for name in names if _MIGRATES.fullmatch(name)), "")
    return Roles(
        f"--{serves[0]}",
        tuple((role.lower(), f"--{name}") for role, name in works),
        migrates,
        frozenset(f"--{name}" for name in names),
    )


def _by_commands(texts: Sequence[str], itself: frozenset[str]) -> Roles | None:
    names: list[str] = []
    for text in texts:
        if re.search(r"\b\w*(?:[aA]pp|[rR]oot)\w*\.(?:Action|RunE?)\s*=[^=]", text):
            return None
        for holder, name, runs in _commands(text):
            if runs and ("root" in holder.lower() or holder == "App" or name in itself):
                return None  # it serves without a word
            names += [name] * (runs and bool(name))
    serves = [name for name in names if _SERVES.fullmatch(name)]
    works = [(match[1], name) for name in names if (match := _WORKS.fullmatch(name))]
    others = [name for name in dict.fromkeys(names) if not _AROUND.fullmatch(name)]
    if not serves and len(others) == 1 and others[0] in _STARTS:
        serves = others
    if not serves:
        return None
    plain = [match[1] for text in texts for match in _MAKES_TABLES.finditer(text)]
    plain = [] if any(_MAKES_TABLES.search(t) and _TOLD_MORE.search(t) for t in texts) else plain
    migrates = plain[0] if len(plain) == 1 and plain[0] in names else ""
    return Roles(serves[0], tuple((r.lower(), n) for r, n in works), migrates, frozenset(names))


def _commands(text: str) -> Iterator[tuple[str, str, bool]]:
    """Yield what holds each command, its name, and whether it does something by itself."""
    text = re.sub(r"(?m)^[ \t]*//.*$", "", text)  # its library's own template has `// Run:`
    for match in _COMMAND.finditer(text):
        body = _of_itself(text[match.end() - 1 : match.end() + LONGEST_COMMAND])
        name = _NAME.search(body)
        holder = "App" if match[3] == "App" else match[1] or ""
        yield holder, name[1] if name else "", bool(_RUNS.search(body))


def _of_itself(text: str) -> str:
    """Cut a literal at its end, and leave out what is in braces inside it."""
    depth, kept = 0, list[str]()
    for part in re.findall(r"\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`|[{}]|[^{}\"`]+|[\"`]", text):
        if part == "}":
            depth -= 1
        if depth == 1 and part not in "{}":
            kept.append(part)
        if part == "{":
            depth += 1
        if depth <= 0:
            break
    return "".join(kept)
