"""The files of `tarmac new service` as Backstage's `fetch:template` reads them, by language.

They are the templates' own texts: both programs fill the same placeholders. A folder for each part
of a service - `base`, `store-postgres`, `broker-nats` - joins the folders that a template names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from tarmac.render.assets import asset, assets

#: Below `assets/`; a folder of it is a template, for example `python-http`.
TEMPLATES = "templates/service"
#: The form asks for services that are called over HTTP.
API = "-http"
ENTRY, END = "entry.yaml.njk", ".njk"
#: Below `assets/`: what the root of a repository has in which a service is alone.
ROOT = "templates/repository"
#: Folders for choices that the form does not have: what a service consumes.
NOT_OFFERED = frozenset({"consumes"})


@dataclass(frozen=True)
class Skeleton:
    """The template of one language."""

    language: str
    about: str
    stores: tuple[str, ...]
    caches: tuple[str, ...]
    brokers: tuple[str, ...]
    #: `PART/PATH` -> text, with placeholders.
    texts: Mapping[str, str]

    @property
    def parts(self) -> tuple[str, ...]:
        """Its folders, each once."""
        return tuple(sorted({path.partition("/")[0] for path in self.texts}))


def skeletons() -> Iterator[Skeleton]:
    """Yield the templates of services with HTTP, in the order of their names."""
    paths = [path.removeprefix(f"{TEMPLATES}/") for path in assets(TEMPLATES)]
    for name in sorted({path.partition("/")[0] for path in paths}):
        if name.endswith(API) and f"{name}/template.yaml" in paths:
            yield _skeleton(name, paths)


def _skeleton(name: str, paths: list[str]) -> Skeleton:
    data = yaml.load(asset(f"{TEMPLATES}/{name}/template.yaml"), yaml.CSafeLoader)
    folders = (*data.get("beside", ()), name)
    texts: dict[str, str] = {}
    for path in paths:
        folder, _, rest = path.partition("/")
        if folder in folders and "/" in rest and rest.partition("/")[0] not in NOT_OFFERED:
            texts[rest] = asset(f"{TEMPLATES}/{path}")
    entries = [f"{TEMPLATES}/{f}/{ENTRY}" for f in folders if f"{f}/{ENTRY}" in paths]
    entry = "".join(map(asset, entries))
    texts[f"entry/tarmac-{ENTRY}"] = entry
    for path in assets(ROOT):
        texts[f"repository/{path.removeprefix(f'{ROOT}/')}"] = asset(path)
    texts["repository/tarmac.yaml.njk"] += entry
    return Skeleton(
        name.removesuffix(API),
        data["about"],
        tuple(store for store in data["stores"] if store not in ("none", *data["caches"])),
        tuple(data["caches"]),
        tuple(data["brokers"]),
        texts,
    )
