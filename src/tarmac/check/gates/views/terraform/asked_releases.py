"""Which releases of providers a folder of Terraform asks for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.terraform.provider_arguments import (
    AWS,
    ArgumentBody,
    ProviderRelease,
    provider_of,
    releases,
)
from tarmac.check.gates.views.terraform.settings import written_settings
from tarmac.check.gates.views.terraform.written_blocks import WrittenBlock

_REQUIRED = ("terraform", "required_providers")
_BOUND = re.compile(r"(~>|>=|<=|!=|=|<|>)?\s*v?(\d+)(?:\.(\d+))?")
#: Where providers are that HashiCorp does not publish.
_SOURCES = {"github": "integrations/github"}
#: Of it the values are known.
_MAJOR = 5


class AskedReleases:
    """Which releases of providers folders ask for; a folder that asks for none has any of them."""

    def __init__(self, files: Files) -> None:
        self._asked: dict[tuple[str, str], str] = {}
        self._of_any: dict[str, str] = {}
        #: Other providers by the same name.
        self._others = set[tuple[str, str]]()
        for one in written_settings(files):
            if one.path[:2] != _REQUIRED or len(one.path) != 4:
                continue
            name, key = one.path[2:]
            where = (posixpath.dirname(one.file), name)
            if key == "version":
                self._asked[where] = f"{one.value},"
                self._of_any[name] = self._of_any.get(name, "") + f"{one.value},"
            elif key == "source":
                usual = f"hashicorp/{name}"
                if not str(one.value).endswith((usual, _SOURCES.get(name, usual))):
                    self._others.add(where)

    def knows(self, file: str, name: str) -> bool:
        """Tell whether a type is of a provider whose arguments are known."""
        provider = provider_of(name)
        return provider in releases() and (posixpath.dirname(file), provider) not in self._others

    def knows_block(self, block: WrittenBlock) -> bool:
        """Tell whether a resource or data source is of such a provider, and names no other one."""
        given = block.arguments.get("provider")
        first = str(next(given.value.scan_values(lambda _: True))) if given else ""
        return self.knows(block.file, block.words[1]) and first in ("", provider_of(block.words[1]))

    def bodies(self, file: str, kind: str, name: str) -> list[ArgumentBody]:
        """Find what a type takes in each of the releases that a folder may have, if it is there."""
        found = (one.body(kind, name) for one in self._judged(file, provider_of(name)))
        return [one for one in found if one is not None]

    def takes_known(self, file: str, provider: str = AWS) -> bool:
        """Tell whether the folder of a file may have a release that is known."""
        return any(True for _ in self._allowed(file, provider))

    def takes_values(self, file: str) -> bool:
        """Tell whether it may have the release of AWS' provider whose values are known."""
        return self._allows(file, AWS, _MAJOR)

    def takes_newer_values(self, file: str) -> bool:
        """Tell whether it may have a newer one of AWS' provider than that."""
        return self._allows(file, AWS, _MAJOR + 1)

    def takes_newer(self, file: str, provider: str = AWS) -> bool:
        """Tell whether it may have a newer release, with names that are not known."""
        newest = releases()[provider][-1]
        if self._allows(file, provider, newest.major + 1):
            return True
        return self._allows(file, provider, newest.major) and not newest.is_last

    def _judged(self, file: str, provider: str) -> list[ProviderRelease]:
        """List those that are allowed; all that are known where none is."""
        return list(self._allowed(file, provider)) or list(releases()[provider])

    def _allowed(self, file: str, provider: str) -> Iterator[ProviderRelease]:
        for one in releases()[provider]:
            if self._allows(file, provider, one.major):
                yield one

    def _allows(self, file: str, provider: str, release: int) -> bool:
        asked = self._asked.get((posixpath.dirname(file), provider))
        return _allows(self._of_any.get(provider, "") if asked is None else asked, release)


def title_of(name: str) -> str:
    """Say whose a type is, as a finding does."""
    provider = provider_of(name)
    return "AWS' provider" if provider == AWS else f"the provider {provider}"


def _allows(constraint: str, release: int) -> bool:
    """Tell whether constraints of versions allow a major release."""
    for sign, written_major, minor in _BOUND.findall(constraint):
        major = int(written_major)
        is_before = sign == "<" and major <= release and minor in ("", "0")
        if is_before or (sign == "<=" and major < release) or (sign == ">" and major > release):
            return False
        if (sign in ("~>", "=", "") and major != release) or (sign == ">=" and major > release):
            return False
    return True
