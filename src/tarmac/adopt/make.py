"""A Makefile that builds a program and starts it, in a language that no other recogniser knows."""

from __future__ import annotations

import re

from tarmac.adopt.packages.make_targets import prerequisites, recipe, text_of
from tarmac.adopt.survey.found import Folder, Recogniser, Service, folder_name

#: Targets that start a program, the likeliest first.
_STARTS = ("run", "start", "serve", "server")
#: A program that was built here: `./app`, `bin/app --port 80`.
_BUILT = re.compile(r"(?:exec\s+)?(?:\./(?!\S*\.(?:sh|py|js)\b)|(?:bin|build|out|dist)/)[\w./-]+")
#: Compilers, and what calls them.
_COMPILES = re.compile(
    r"(?:^|\s)(?:\$\((?:CC|CXX|LD)\)|cc|gcc|g\+\+|clang(?:\+\+)?|cmake|zig|ghc|stack|cabal|dune|"
    r"ocamlfind|crystal|nim|nimble|dmd|ldc2|swift|fpc|gfortran)\s"
)


def _services(folder: Folder) -> tuple[Service, ...]:
    text = text_of(folder)
    for target in _STARTS if text else ():
        lines = recipe(text, target)
        if lines and _BUILT.match(lines[-1]) and _compiles(text, target, lines):
            return (
                Service(
                    name=folder_name(folder),
                    folder=folder.path,
                    run=f"make {target}",
                    why=f"Makefile: {target}",
                    guesses=(f"`make {target}` builds it and starts it",),
                ),
            )
    return ()


def _compiles(text: str, target: str, lines: tuple[str, ...]) -> bool:
    """Tell whether a target, or what it is made after, calls a compiler."""
    if any(map(_COMPILES.search, lines[:-1])):
        return True
    before = prerequisites(text, target)
    return bool(before) and bool(_COMPILES.search(text))


RECOGNISER = Recogniser(id="make", rank=80, services=_services)
