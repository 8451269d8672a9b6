"""What a system includes: another system's file, by its path or in a revision of a repository.

Read by `joining`. The model does no I/O: a function that it is given finds the files of a
`GitRevision`, and returns them as a `Checkout`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tarmac.base.errors import BadInput, Problem
from tarmac.base.written import shown
from tarmac.model.location import Location
from tarmac.model.texts import FilePath
from tarmac.model.value import StrictModel

FILE_URL = "file://"
_HOST = r"[A-Za-z0-9][A-Za-z0-9.-]*"
_USER = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_PATH = r"[A-Za-z0-9._~%+/-]*[A-Za-z0-9_~%+-]"
_URL = re.compile(
    rf"https://{_HOST}(:[0-9]{{1,5}})?/{_PATH}|ssh://({_USER}@)?{_HOST}(:[0-9]{{1,5}})?/{_PATH}|"
    rf"{_USER}@{_HOST}:[A-Za-z0-9._~]{_PATH}|{FILE_URL}/{_PATH}"
)
#: A branch, a tag or a commit, without what git or a shell reads as more than a name.
_REVISION = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_+./-]*[A-Za-z0-9_+-])?")
#: A commit, by all of its digits.
COMMIT = re.compile(r"[0-9a-f]{40}")


def _url(value: str) -> str:
    if re.match(r"https?://[^/]*@", value):
        raise ValueError(
            "has a name or a password in it; leave it out, your own git signs in where it must"
        )
    if not _URL.fullmatch(value):
        raise ValueError(
            f"is {shown(value)}; write https://HOST/PATH, ssh://HOST/PATH, git@HOST:PATH or "
            "file:///PATH"
        )
    return value


def _revision(value: str) -> str:
    if not _REVISION.fullmatch(value) or ".." in value or "//" in value:
        raise ValueError(f"is {shown(value)}; write a tag, a branch, or a commit's 40 digits")
    return value


class Include(StrictModel):
    """Another system's file, whose services and stores become part of this one."""

    path: FilePath | None = Field(
        default=None,
        description="The file, or the folder of its tarmac.yaml, seen from this file's folder.",
    )
    git: Annotated[str, AfterValidator(_url)] | None = Field(
        default=None,
        description="In place of `path`, a repository: https://HOST/PATH, ssh://HOST/PATH, "
        "git@HOST:PATH or file:///PATH. Your own git reads it, with the keys that it knows.",
    )
    revision: Annotated[str, AfterValidator(_revision)] | None = Field(
        default=None,
        description="Of `git`: a tag, a branch, or a commit's 40 digits. Its commit is kept in "
        "tarmac.include.lock until `tarmac include --update`.",
    )
    file: FilePath = Field(
        default="tarmac.yaml", description="Of `git`: the system's file in the repository."
    )

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.path is None) == (self.git is None):
            raise ValueError(
                f"has {'neither' if self.git is None else 'both'} of `path` and `git`; give one"
            )
        if (self.git is None) != (self.revision is None):
            raise ValueError(
                "has `git` without `revision`; add a tag, a branch or a commit"
                if self.git
                else "has `revision`, which is for `git`; remove it"
            )
        return self

    @property
    def of_git(self) -> GitRevision | None:
        """The revision that it names; None of a path."""
        return GitRevision(self.git, self.revision) if self.git and self.revision else None


def _path_only(value: Any) -> Any:
    if isinstance(value, str):
        return {"path": value}
    if not isinstance(value, dict):
        raise ValueError(f"is {shown(value)}; write a path, or {{git: URL, revision: TAG}}")
    return value


IncludeEntry = Annotated[Include, BeforeValidator(_path_only, json_schema_input_type=str | Include)]


@dataclass(frozen=True, order=True)
class GitRevision:
    """A revision of a repository."""

    url: str
    revision: str

    @property
    def name(self) -> str:
        """The repository's short name: `payments`."""
        return re.split(r"[/:]", self.url)[-1].removesuffix(".git")

    def is_named(self, name: str) -> bool:
        """Tell whether a name is its repository's: the short one, or the address."""
        return name in (self.name, self.url)

    @property
    def tag(self) -> str:
        """The tag of images that are built of it, where the environment names no other."""
        return re.sub(r"[^A-Za-z0-9_.-]", "-", self.revision)[:128]

    def __str__(self) -> str:
        return f"{self.url.removesuffix('.git')}@{self.revision}"


@dataclass(frozen=True)
class Checkout:
    """The files of an included repository."""

    #: Its root, absolute.
    folder: str
    revision: GitRevision
    #: Whether these are a developer's own files, in place of the revision's.
    own: bool = False

    @property
    def title(self) -> str:
        """How its root is named in places: the same on every machine, where it is a revision."""
        return self.folder if self.own else str(self.revision)


#: Finds the files of a revision; the place is for what is wrong with it. Raises BadInput.
Find = Callable[[GitRevision, Location], Checkout]


def no_repository(revision: GitRevision, place: Location) -> Checkout:
    """Refuse what is included by Git, where only files are read."""
    what = f"the files of {revision} are not read here; name them by `path`"
    raise BadInput([Problem(str(place), what)])
