"""A list of Python packages has all that are in them."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.errors import BadInput
from tarmac.base.foreign import files as disk
from tarmac.base.foreign.reading import dig, fields, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_PACKAGES = re.compile(r"^[ \t]*(?:tool\.setuptools\.)?packages\s*=", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
#: What puts all files of a repository into what is built, whatever packages are listed.
_ALL_FILES = re.compile(r"setuptools[-_](scm|git|svn|hg)")
#: Packages that nothing needs where the others are installed.
_APART = re.compile(r"_*(tests?|testing|examples?|benchmarks?|docs?)")
#: So many files of a package are read for its imports.
_MOST = 400


class PackageList(NamedTuple):
    """A pyproject.toml that lists its packages one by one."""

    artifact: Artifact
    data: Mapping[str, Any]
    names: tuple[str, ...]

    @property
    def where(self) -> str:
        """Where the list is."""
        text = str(self.artifact.content)
        found = _PACKAGES.search(text)
        line = text.count("\n", 0, found.end()) + 1 if found else 1
        return f"{self.artifact.path}:{line}"

    def place(self, name: str) -> str:
        """Return the folder of a package, beside the file."""
        places = fields(self.data, "tool", "setuptools", "package-dir")
        head, _, rest = name.partition(".")
        base = places.get(head, posixpath.join(str(places.get("", "")), head))
        return posixpath.normpath(posixpath.join(str(base), *rest.split(".")))


def check(files: Files) -> Iterator[Finding]:
    """Yield packages that are in a listed one, imported there, and not listed."""
    for own in _lists(files):
        root = on_disk(files, posixpath.dirname(own.artifact.path))
        if files.folder is None or root is None:
            return
        has_manifest = (root / "MANIFEST.in").is_file()
        for name in own.names:
            lacking = [one for one in _below(root / own.place(name), name) if one not in own.names]
            imported = _imported(files.folder, root / own.place(name), name, lacking)
            needed = [one for one in lacking if one in imported]
            if needed:
                what = f"packages lists {name} without {needed[0]}, which {imported[needed[0]]}"
                said = f"{what} imports: what is built of it lacks that, and ends there"
                advice = f'write [tool.setuptools.packages.find] with include = ["{name}*"]'
                yield Finding(own.where, f"{said}; {advice}", warning=has_manifest)


def _below(folder: Path, name: str) -> Iterator[str]:
    """Yield the packages below one, by their names."""
    if not folder.is_dir() or folder.is_symlink():
        return
    for child in sorted(folder.iterdir()):
        is_package = child.is_dir() and (child / "__init__.py").is_file()
        if is_package and not _APART.fullmatch(child.name) and not child.is_symlink():
            yield f"{name}.{child.name}"
            yield from _below(child, f"{name}.{child.name}")


def _imported(whole: Path, folder: Path, name: str, lacking: list[str]) -> dict[str, str]:
    """Find packages that files of the listed one itself import, with the first such file."""
    found: dict[str, str] = {}
    for file in sorted(folder.glob("*.py"))[:_MOST] if lacking else ():
        try:
            text = disk.text(file, root=whole)
        except (BadInput, OSError):
            continue
        for one in lacking:
            below = re.escape(one.removeprefix(f"{name}."))
            said = rf"^[ \t]*(from|import)[ \t]+({re.escape(one)}|\.{below})\b(?!\w)"
            if one not in found and re.search(said, text, re.MULTILINE):
                found[one] = file.name
    return found


@once
def _lists(files: Files) -> Iterator[PackageList]:
    for artifact in files.artifacts:
        text = artifact.content
        is_ours = posixpath.basename(artifact.path) == "pyproject.toml" and isinstance(text, str)
        if not is_ours or not _PACKAGES.search(str(text)):
            continue
        try:
            data = tomllib.loads(str(text))
        except (ValueError, RecursionError):
            continue
        names = dig(data, "tool", "setuptools", "packages")
        is_built = "setuptools" in string(data, "build-system", "build-backend")
        is_all = _ALL_FILES.search(" ".join(texts(dig(data, "build-system", "requires"))))
        if isinstance(names, list) and is_built and not is_all:
            named = (one for one in texts(names) if _NAME.fullmatch(one))
            own = PackageList(artifact, data, tuple(named))
            is_inside = not any(one.startswith(("/", "..")) for one in map(own.place, own.names))
            yield from (own,) if is_inside else ()


GATE = Gate(
    id="PKG001",
    title="A list of Python packages has all that are in them",
    phase="containers",
    source="https://setuptools.pypa.io/en/latest/userguide/package_discovery.html: each package is "
    "to be listed, those in others as well, or they are found by `find`",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("lists of packages", _lists),
    targets=(),
    reads="tool.setuptools.packages of pyproject.toml beside the folders of those packages on "
    "disk, and what the files at their top import. Judges files without a plan only.",
)
