"""Variables of a service in a Compose file: its own, those of its files, and `.env` beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from posixpath import dirname, join, normpath
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields, texts
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed, variable
from tarmac.check.gates.views.compose.env_texts import EnvValue, filled, text_of, variables_of
from tarmac.check.gates.views.marks import is_mark

#: A value that is another variable's.
_ALONE = re.compile(r"\$(?:\{(\w+)[^}$]*\}|(\w+))")


class ComposeVariables:
    """The variables of one service, as far as files on disk say what they are."""

    def __init__(self, files: Files, artifact: Artifact, name: str, data: Any) -> None:
        self._files = files
        self._artifact = artifact
        self._name = name
        self._data = data

    @cached_property
    def given(self) -> Mapping[str, EnvValue]:
        """Those of its files, and its own, filled in as far as that is known."""
        found = dict[str, EnvValue]()
        for path in self._paths:
            found |= variables_of(self._files, path)
        for name, value in self._written:
            asked = _ALONE.fullmatch(str(value))
            own = name if value is None else (asked[1] or asked[2]) if asked else ""
            text = "" if value is None else self.filled(str(value))
            found[name] = self._beside.get(own) or EnvValue(text, "")
        return found

    @cached_property
    def by_file(self) -> Mapping[str, str]:
        """Where a file that it names sets a variable, by their names; none of its own."""
        own = {name for name, _ in self._written}
        found = dict[str, EnvValue]()
        for path in self._paths:
            found |= variables_of(self._files, path)
        return {name: one.where for name, one in found.items() if name not in own}

    @property
    def named_files(self) -> Iterator[tuple[str, bool]]:
        """The files of variables that it names, and whether each is taken as it stands."""
        given = dig(self._data, "env_file")
        for one in given if isinstance(given, list) else texts(given):
            entry = fields(one)
            is_raw = entry.get("format") == "raw" or is_mark(entry.get("format"))
            yield str(entry.get("path") if entry else one), is_raw

    @property
    def is_open(self) -> bool:
        """Whether it names a file that is not here, so that it may have any variable."""
        return any(text_of(self._files, path) is None for path in self._paths)

    def filled(self, text: str) -> str:
        """Put the values of variables into a text, as Compose does before it runs a service."""
        return filled(text, self._beside) if "$" in text else text

    def place_of(self, variable: str) -> str:
        """Return where one of them is set."""
        if where := self.given[variable].where:
            return where
        names = [str(one).partition("=")[0] for one in listed(dig(self._data, "environment"))]
        key = names.index(variable) if variable in names else variable
        return self._artifact.at("services", self._name, "environment", key)

    @property
    def _written(self) -> Iterator[tuple[str, Any]]:
        """Its own, with None for those that have their values from outside."""
        written = dig(self._data, "environment")
        for name, value in fields(written).items():
            yield str(name), value
        for entry in listed(written):
            name, value = variable(entry)
            yield name, value if isinstance(entry, Mapping) or "=" in str(entry) else None

    @property
    def _paths(self) -> Iterator[str]:
        folder = dirname(self._artifact.path)
        yield from (normpath(join(folder, name)) for name, _ in self.named_files)

    @cached_property
    def _beside(self) -> Mapping[str, EnvValue]:
        """What the file `.env` sets."""
        return variables_of(self._files, normpath(join(dirname(self._artifact.path), ".env")))
