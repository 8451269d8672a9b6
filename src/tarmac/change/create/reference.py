"""Makes a system like one that ships with Tarmac: its file, its services' code, seeds and drills.

In a checkout the systems are beside the package; in a wheel they are among its assets. A service
gets a folder of its name; a part that several services have gets one of its own name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import metadata, resources
from pathlib import Path

import yaml

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.places import SYSTEM_FILE
from tarmac.change.create.placeholders import filled
from tarmac.change.create.system import NewSystem, check_place
from tarmac.render.assets import asset, assets

PACKAGE = Path(str(resources.files("tarmac")))
FILES = "templates/like"
#: What images take of the kit beside a service's own packages: a Dockerfile names them as extras.
EXTRAS = "templates/extras.toml"
#: What belongs to Tarmac's own books, or to its tests.
LEFT = ("checklist.yaml", "proofs.yaml", "reports.yaml", "tests", "__pycache__")
_SOURCE = re.compile(r"\.\./\.\./services/([a-z-]+)")
#: The table of a part that says where the kit is: the new system's own pyproject.toml does.
_SOURCES = re.compile(r"\n\[tool\.uv\.sources\]\n[^\[]*", re.DOTALL)
_HEAD = re.compile(r"\A(?:#.*\n)+")


def names() -> tuple[str, ...]:
    """List the systems that a new one can be like."""
    systems = _shipped() / "systems"
    return tuple(sorted(one.parent.name for one in systems.glob(f"*/{SYSTEM_FILE}")))


def make(folder: Path, like: str, owner: str) -> NewSystem:
    """Make a system in a folder that is not there, or empty; it has the folder's name.

    Args:
        folder: its last part becomes the system's name.
        like: one of `names()`.
        owner: its team; empty for that of the model.

    Raises:
        BadInput: what is wrong with the name, the folder, the team, or the model's name.
    """
    problems = check_place(folder, owner)
    if like not in (known := names()):
        problems.append(
            Problem(f"--like {like[:80]}", f"no such system; {did_you_mean(like, known)}")
        )
    if problems:
        raise BadInput(problems)
    shipped = _shipped()
    model = shipped / "systems" / like
    text = (model / SYSTEM_FILE).read_text()
    places = _places(text)
    texts = dict(_texts(model))
    if "journeys.py" in texts:
        texts["answers.py"] = (model.parent / "answers.py").read_text()
    texts[SYSTEM_FILE] = _renamed(text, folder.name, owner, places)
    for part, place in places.items():
        for path, content in _texts(shipped / "services" / part):
            texts[f"{place}/{path}"] = content
        own = f"{place}/pyproject.toml"
        texts[own] = _SOURCES.sub("", texts[own]).rstrip("\n") + f"\n{asset(EXTRAS)}"
    return NewSystem(folder.name, folder, texts | _around(folder.name, like, places))


def _shipped() -> Path:
    """Find the folder that has `systems` and `services`."""
    packed = PACKAGE / "assets/reference"
    return packed if packed.is_dir() else PACKAGE.parents[1]


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each file of a folder by its path below it."""
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in below.parts)
        if path.is_file() and not hidden and not set(below.parts) & set(LEFT):
            yield below.as_posix(), path.read_text()


def _places(text: str) -> dict[str, str]:
    """Say where each part of a system goes, by the services that have it."""
    parts = {
        service: _SOURCE.findall(str(data.get("source", "")))
        for service, data in yaml.safe_load(text)["services"].items()
    }
    used = Counter(part for folders in parts.values() for part in folders)
    places = {}
    for service, folders in parts.items():
        for part in folders:
            alone = used[part] == 1
            below = service if len(folders) == 1 else f"{service}/{part}"
            places[part] = f"services/{below if alone else part}"
    return places


def _renamed(text: str, name: str, owner: str, places: Mapping[str, str]) -> str:
    """Write the system's file for its new place, name and team."""
    text = _HEAD.sub("", text)
    text = re.sub(r"^system: .*$", f"system: {name}", text, count=1, flags=re.MULTILINE)
    if owner:
        text = re.sub(r"^owner: .*$", f'owner: "{owner}"', text, count=1, flags=re.MULTILINE)
    return _SOURCE.sub(lambda found: places[found[1]], text)


def _around(name: str, like: str, places: Mapping[str, str]) -> dict[str, str]:
    """Write what a repository needs around the system: packages, what Git ignores, a first page."""
    packages = sorted(f"tarmac-{part}" for part in places)
    version = metadata.version("tarmac")
    values = {
        "name": name,
        "like": like,
        "version": version,
        "series": version.rpartition(".")[0],
        "packages": "".join(f'    "{package}",\n' for package in packages).rstrip("\n"),
        "members": "".join(f'    "{place}",\n' for place in sorted(places.values())).rstrip("\n"),
        "sources": "".join(f"{package} = {{ workspace = true }}\n" for package in packages)
        + _kit_sources(),
    }
    return {
        path.removeprefix(f"{FILES}/").removesuffix(".njk"): filled(asset(path), values, path)
        for path in assets(FILES)
    }


def _kit_sources() -> str:
    """Say where the kit is in a checkout; an installed Tarmac has it from the index."""
    kit = _shipped() / "kit"
    if not kit.is_dir():
        return ""
    return f'tarmac-kit = {{ path = "{kit}", editable = true }}\n'
