"""Joins a system's file with those that it includes, so that the rest sees one file.

Called by the loader. What belongs to a system's own operation is taken from an included file:
services, stores, broker, externals, objectives, invariants, shared secrets. `env` and `owner` of an
included file are for its services. What belongs to the whole (environments, delivery, ...) is not.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.base.errors import BadInput, Problem
from tarmac.base.places import SYSTEM_FILE
from tarmac.model import document, typed_file
from tarmac.model.document import Document
from tarmac.model.gaps import Gaps
from tarmac.model.include import FILE_URL, Checkout, Find, Include
from tarmac.model.location import Location, Path
from tarmac.model.moving import Move, of_service, of_store
from tarmac.model.system import SystemFile

#: Reads a file's bytes; raises OSError if it cannot.
Read = Callable[[str], bytes]
#: Sections whose names are of the whole: each stands in one file.
SECTIONS = ("services", "stores", "externals", "invariants")
#: The names of a file that is not read: nothing is concluded from their absence.
UNREAD = Gaps(sections=frozenset((*SECTIONS, "broker")))
#: Far more than a system has; a chain of repositories could go on for ever.
MOST_FILES = 100


@dataclass(frozen=True)
class IncludedFile:
    """One file of a system."""

    document: Document
    data: SystemFile
    #: Its path as it is read; `document.file` is how it is named in places.
    path: str
    checkout: Checkout | None = None

    @property
    def folder(self) -> str:
        """The folder that its paths are seen from."""
        return os.path.dirname(self.path) or "."


@dataclass(frozen=True)
class JoinedFile:
    """What the files of a system say together."""

    data: SystemFile
    document: Document
    #: The files that are included, the first one first.
    others: tuple[IncludedFile, ...]
    #: By service and store, those that come from a repository.
    checkouts: Mapping[str, Checkout]
    problems: tuple[Problem, ...]
    gaps: Gaps
    #: The files include each other, or a path leads out of a repository: nothing more is read.
    is_refused: bool

    def title(self, path: str) -> str:
        """Return how a file is named in places: below a repository by that."""
        for one in self.others:
            if one.checkout and _is_inside(path, one.checkout.folder):
                return one.checkout.title + path.removeprefix(one.checkout.folder)
        return path


def join(main: Document, data: SystemFile, read: Read, find: Find) -> JoinedFile:
    """Read all files that one includes, and those that they include, and join them."""
    first = IncludedFile(main, data, main.file)
    reader = _Reader(read, find, {os.path.normpath(main.file): first})
    reader.follow(first, (first,))
    others = tuple(reader.files.values())[1:]
    joint = _Joint(first)
    for one in () if reader.has_cycle else others:
        joint.add(one)
    return JoinedFile(
        joint.data,
        joint.document,
        others,
        joint.checkouts,
        (*reader.problems, *joint.problems),
        reader.gaps,
        reader.has_cycle or joint.leads_out,
    )


class _Reader:
    """Reads each file once, and remembers what is wrong with it."""

    def __init__(self, read: Read, find: Find, files: dict[str, IncludedFile]) -> None:
        self._read, self._find = read, find
        self.files = files
        self.problems: list[Problem] = []
        self.gaps = Gaps()
        self.has_cycle = False

    def follow(self, one: IncludedFile, chain: tuple[IncludedFile, ...]) -> None:
        """Read what a file includes; the chain leads from the system's file to it."""
        for number, entry in enumerate(one.data.include):
            place = one.document.locate(("include", number))
            try:
                path, checkout = self._place(one, entry, place)
                if again := [n for n, above in enumerate(chain) if _is_same(above.path, path)]:
                    self.has_cycle = True
                    names = [above.document.file for above in chain[again[0] :]]
                    way = " -> ".join([*names, names[0]])
                    raise _bad(place, f"the files include each other ({way}); remove one include")
                if path in self.files:
                    continue
                if len(self.files) >= MOST_FILES:
                    raise _bad(place, f"more than {MOST_FILES} files are included; join some")
                self.files[path] = other = self._file(path, checkout, place)
            except BadInput as error:
                self.problems += error.problems
                self.gaps = self.gaps.and_of(UNREAD)
            else:
                self.follow(other, (*chain, other))

    def _place(
        self, one: IncludedFile, entry: Include, place: Location
    ) -> tuple[str, Checkout | None]:
        """Find where an included file is. Raises BadInput."""
        checkout: Checkout | None
        if (revision := entry.of_git) is not None:
            local = one.checkout is None or one.checkout.revision.url.startswith(FILE_URL)
            if revision.url.startswith(FILE_URL) and not local:
                what = "a repository of another machine names one of this machine"
                raise _bad(place, f"{what} ({revision.url}); write its https:// or ssh:// address")
            checkout = self._find(revision, place)
            path = os.path.normpath(os.path.join(checkout.folder, _file_of(entry.file)))
        else:
            checkout = one.checkout
            path = os.path.normpath(os.path.join(one.folder, _file_of(entry.path or "")))
        if checkout is not None and not _is_inside(path, checkout.folder):
            what = f"leads out of the repository {checkout.revision.url}; correct the path"
            raise _bad(place, f"'{entry.path or entry.file}' {what}")
        return path, checkout

    def _file(self, path: str, checkout: Checkout | None, place: Location) -> IncludedFile:
        title = path
        if checkout is not None:
            title = checkout.title + path.removeprefix(checkout.folder)
        try:
            raw = self._read(path)
        except (OSError, ValueError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or error
            raise _bad(place, f"{title} cannot be read ({why}); correct the include") from None
        parsed = document.parse(raw, title)
        data, wrong, gaps = typed_file.lenient(parsed)
        self.problems += wrong
        self.gaps = self.gaps.and_of(gaps)
        return IncludedFile(parsed, data, path, checkout)


class _Joint:
    """What the files say together, as far as they were added."""

    def __init__(self, first: IncludedFile) -> None:
        self.data = first.data
        self.document = first.document
        self.checkouts: dict[str, Checkout] = {}
        self.problems: list[Problem] = []
        self.leads_out = False
        self._places: dict[Path, tuple[Document, Path]] = {}
        self._folder = first.folder

    def add(self, one: IncludedFile) -> None:
        """Add what a file says."""
        moved = self._moved(one)
        changed: dict[str, Any] = {}
        for section in SECTIONS:
            mine, more = getattr(self.data, section), getattr(moved, section)
            fresh = {n: value for n, value in more.items() if self._is_new(one, section, n)}
            changed[section] = {**mine, **fresh}
            for name in fresh:
                self._places[section, name] = (one.document, (section, name))
        for name, service in one.data.services.items():
            for variable in moved.services[name].env.keys() - service.env.keys():
                path = ("services", name, "env", variable)
                self._places[path] = (one.document, ("env", variable))
        for section in ("objectives", "secrets"):
            mine, more = getattr(self.data, section), getattr(moved, section)
            fresh_ones = [n for n, value in enumerate(more) if value not in mine]
            changed[section] = (*mine, *(more[n] for n in fresh_ones))
            for whole, number in enumerate(fresh_ones, len(mine)):
                self._places[section, whole] = (one.document, (section, number))
        if moved.broker is not None and self._is_first_broker(one, moved.broker.kind):
            changed["broker"] = moved.broker
            self._places["broker",] = (one.document, ("broker",))
        if one.checkout is not None:
            self.checkouts |= dict.fromkeys((*moved.services, *moved.stores), one.checkout)
        self.data = self.data.model_copy(update=changed)
        self.document = self.document.joined(self._places)

    def _is_new(self, one: IncludedFile, section: str, name: str) -> bool:
        """Tell whether a name stands in no file before; note one that means something else."""
        mine = getattr(self.data, section)
        if name not in mine:
            return True
        if section != "externals" or mine[name] != one.data.externals[name]:
            there = self.document.locate((section, name), key=True)
            what = f"'{name}' is already in `{section}` of another file ({there})"
            self._note(one, (section, name), f"{what}; give one of the two another name")
        return False

    def _is_first_broker(self, one: IncludedFile, kind: str) -> bool:
        mine = self.data.broker
        if mine is not None and mine.kind != kind:
            there = self.document.locate(("broker",))
            what = f"broker is {kind}, and {mine.kind} in another file ({there})"
            self._note(one, ("broker",), f"{what}; a system has one, so make them the same")
        return mine is None

    def _moved(self, one: IncludedFile) -> SystemFile:
        """Return an included file with its paths as the system's own file would write them."""

        def moving(*root: str) -> Move:
            def move(path: str, place: Path) -> str:
                whole = os.path.normpath(os.path.join(one.folder, path))
                if one.checkout is None:
                    return os.path.relpath(whole, self._folder)
                if not _is_inside(whole, one.checkout.folder):
                    self.leads_out = True
                    what = f"'{path}' leads out of the repository {one.checkout.revision.url}"
                    self._note(one, (*root, *place), f"{what}; correct the path")
                return whole

            return move

        file = one.data
        services = {n: of_service(s, file, moving("services", n)) for n, s in file.services.items()}
        stores = {n: of_store(s, moving("stores", n)) for n, s in file.stores.items()}
        return file.model_copy(update={"services": services, "stores": stores})

    def _note(self, one: IncludedFile, path: Path, what: str) -> None:
        place = one.document.locate(path, key=path[0] in SECTIONS and len(path) == 2)
        self.problems.append(Problem(str(place), what))


def _file_of(path: str) -> str:
    """Return the file that an include names: in a folder its tarmac.yaml."""
    is_file = path.endswith((".yaml", ".yml"))
    return path if is_file else os.path.join(path, SYSTEM_FILE)


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _is_same(one: str, other: str) -> bool:
    return os.path.abspath(one) == os.path.abspath(other)


def _bad(place: Location, what: str) -> BadInput:
    return BadInput([Problem(str(place), what)])
