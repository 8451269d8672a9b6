"""A template: a folder of files with placeholders, and the file that says what it needs.

`template.yaml` has what Tarmac has to know; `entry.yaml.njk` the entries for the system's file. The
folders hold files: `base` always; `store-NAME`, `cache`, `broker-NAME`, `publishes` and `consumes`
where they are asked for. `beside` names folders next to this one that are read in the same way,
before it. It opens nothing: a template is given as its files' texts.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import Field

from tarmac.base.errors import BadInput, Problem
from tarmac.change.create.placeholders import Values, filled
from tarmac.model.loader import read_as
from tarmac.model.value import StrictModel

FILE = "template.yaml"
ENTRY = "entry.yaml.njk"
END = ".njk"


class TemplateFile(StrictModel):
    """What `template.yaml` may say."""

    version: int = Field(ge=1, description="Raised by each change that services are to get.")
    about: str = Field(description="What it makes, in a few words.")
    needs: dict[str, str] = Field(default={}, description="Program -> its oldest version.")
    beside: tuple[str, ...] = Field(default=(), description="Folders next to this one.")
    stores: tuple[str, ...] = Field(default=("none",), description="Kinds that it has files for.")
    caches: tuple[str, ...] = Field(default=(), description="Those that may stand beside another.")
    brokers: tuple[str, ...] = Field(default=(), description="Brokers that it has files for.")


@dataclass(frozen=True)
class Template:
    """A template and its files."""

    name: str
    data: TemplateFile
    #: Path below the folder of all templates -> text.
    texts: Mapping[str, str]

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that it is read from, the one of its own last."""
        return (*self.data.beside, self.name)


def read(name: str, texts: Mapping[str, str]) -> Template:
    """Read a template.

    Args:
        name: its folder.
        texts: path -> text of the files of the folder that it is in, its own among them.

    Raises:
        BadInput: its `template.yaml` is missing or wrong.
    """
    path = posixpath.join(name, FILE)
    if path not in texts:
        what = f"no {FILE} in it; docs/how-to/own-templates.md says what a template has"
        raise BadInput([Problem(name, what)])
    data, _ = read_as(TemplateFile, path, texts[path].encode())
    return Template(name, data, texts)


def files(template: Template, values: Values) -> dict[str, str]:
    """Return the service's files: path in its folder -> text. Raises BadInput for a wrong one."""
    made: dict[str, str] = {}
    for part in ("base", *_overlays(values)):
        for folder in template.folders:
            start = f"{folder}/{part}/"
            for path in sorted(path for path in template.texts if path.startswith(start)):
                name = filled(path.removeprefix(start), values, path).removesuffix(END)
                made[name] = filled(template.texts[path], values, path)
    return made


def entry(template: Template, values: Values) -> Iterator[tuple[str, str]]:
    """Yield the entries for the system's file: each text with the name of its template."""
    for folder in reversed(template.folders):
        path = f"{folder}/{ENTRY}"
        if path in template.texts:
            yield path, filled(template.texts[path], values, path)


def _overlays(values: Values) -> Iterator[str]:
    yield f"store-{values['store']}"
    if values["cache"]:
        yield "cache"
    if values["broker"] != "none":
        yield f"broker-{values['broker']}"
    yield from (events for events in ("publishes", "consumes") if values[events])
