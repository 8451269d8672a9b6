"""The words and the grammar that this repository does not use, and where they still are.

Read by tests/architecture/test_words.py. It changes nothing. Vale was tried first: its package
downloads a program on its first run, and it sees no identifiers.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests/architecture"
RULES = yaml.safe_load((FOLDER / "words.yaml").read_text(encoding="utf-8"))
_HUMP = re.compile(r"([a-z0-9])([A-Z])")
_CLASS = re.compile(rf"^\s*class _?(?:{RULES['class_names'].strip()})\b", re.MULTILINE)


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words.strip()})\b".replace(" ", r"[\s#-]+"))


def _begins(words: str) -> re.Pattern[str]:
    """Match the first word of each alternative, which finds candidates quickly."""
    plain = re.sub(r"\(\?<[=!][^)]*\)", "", words)
    return re.compile(re.sub(r"[ -][^|]*", "", plain))


#: How a word begins, its pattern, its exceptions, what to write instead, its folders.
WORDS = [
    (
        _begins(rule["not"]),
        _pattern(rule["not"]),
        _pattern(rule.get("except", "(?!)")),
        rule["write"],
        tuple(rule.get("folders", ())),
    )
    for rule in [*RULES["words"], *RULES["grammar"]]
]

#: Folders that only rules with `folders` judge.
EXTRA = sorted({one for *_, folders in WORDS for one in folders} - set(RULES["folders"]))

#: What is not looked at in a file.
APART = {path: re.compile(pattern) for path, pattern in RULES["apart"].items()}


@cache
def _begun(token: str) -> frozenset[int]:
    return frozenset(n for n, (begins, *_) in enumerate(WORDS) if begins.match(token))


def _is_in(path: str, folders: Sequence[str]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in folders)


def _applies(path: str, folders: Sequence[str]) -> bool:
    """Tell whether a rule judges a file: all but the extra folders unless it names its own."""
    return _is_in(path, folders) if folders else not _is_in(path, EXTRA)


def in_text(path: str, text: str) -> list[str]:
    """Return `path:line: word -> what to write` for every old word of a text."""
    if path in APART:
        text = APART[path].sub(lambda match: re.sub(r"\w", "-", match.group()), text)
    spaced = (_HUMP.sub(r"\1-\2", text) if path.endswith(".py") else text).lower()
    spaced = spaced.replace("_", "-")
    found = []
    candidates = frozenset().union(*map(_begun, set(re.findall("[a-z]+", spaced))))
    for _, pattern, fine, instead, folders in (WORDS[number] for number in sorted(candidates)):
        if not _applies(path, folders):
            continue
        matches = list(pattern.finditer(spaced))
        allowed = [match.span() for match in fine.finditer(spaced)] if matches else []
        found += [
            (spaced.count("\n", 0, match.start()), f"{match.group()} -> {instead}")
            for match in matches
            if not any(start <= match.start() < end for start, end in allowed)
        ]
    for match in _CLASS.finditer(text) if path.endswith(".py") else ():
        line = text.count("\n", 0, match.end())
        found.append((line, f"{match.group().strip()} -> a noun"))
    return [f"{path}:{line + 1}: {what}" for line, what in sorted(found)]


@cache
def found() -> dict[str, list[str]]:
    """Return every file that has old words, with its lines."""
    ask = ["git", "ls-files", "--", *RULES["folders"], *EXTRA]
    listed = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    texts = {}
    for path in listed.splitlines():
        if (ROOT / path).is_file() and not any(fnmatch(path, no) for no in RULES["without"]):
            content = (ROOT / path).read_bytes()
            if b"\0" in content:
                continue  # a picture: its bytes may be anything
            lines = in_text(path, content.decode("utf-8", "replace"))
            texts |= {path: lines} if lines else {}
    return texts
