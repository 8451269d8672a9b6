"""What a variable holds that is about the services: where another one is, or the program itself.

`variables` asks, in the order of its rules.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.adopt.survey.found import Service
from tarmac.adopt.survey.scene import Scene
from tarmac.adopt.variables import code
from tarmac.adopt.variables.urls import BROWSER, FOR_PEOPLE
from tarmac.adopt.variables.variable import Variable
from tarmac.adopt.variables.variable_read import VariableRead

#: Before _URL: where people reach the program itself.
_OWN_PLACES = frozenset({"SITE", "PUBLIC", "EXTERNAL", "APP", "INSTANCE"})
#: The same for a program that serves others, and names of such.
_OWN_SIDE = re.compile(r"(?:BACK_?END|SERVER)(?:_BASE)?")
_SERVES = re.compile(r"api|back-?end|server")
#: The same, as a word of a program's name.
_BACK = re.compile(r"(?:^|-)(?:api|back-?end|server)(?:-|$)")
#: Variables with the address of a front end, and names of those.
_OF_PAGES = re.compile(r"(?:FRONT_?END|CLIENT|WEB|UI)(?:_APP|_BASE)?_(?:URL|ORIGIN)")
_HAS_PAGES = re.compile(r"(?:web|www|front|client|ui)(?:\b|end)")
_BARE = re.compile(r"[\w.-]+:\d{2,5}")
_OUTPUTS = {"HOST": "host", "PORT": "port", "ADDR": "address", "ADDRESS": "address"}


def of_a_service(variable: Variable) -> str | None:
    """Its name says that it holds the address of a service."""
    name, scene = variable.read.name, variable.scene
    match = code.ADDRESS.match(BROWSER.sub("", name))
    target = _named(match[1], variable.service, scene) if match else None
    if match is None or target is None or FOR_PEOPLE.search(name):
        return None
    if match[2] == "PORT" and match[1] in ("API", "SERVER", "BACKEND"):  # its own, without a host
        ends = _OUTPUTS.keys() - {"PORT"} | {"URL", "URI", "BASE_URL", "ENDPOINT"}
        if not any(f"{match[1]}_{end}" in variable.names for end in ends):
            return None
    output = _OUTPUTS.get(match[2], "url")
    if output == "url" and _BARE.fullmatch(variable.given or variable.read.default or ""):
        output = "address"  # gRPC's clients take no scheme
    if output == "url" and BROWSER.match(name):
        said = variable.given or variable.read.default or ""
        path = said.rstrip("/") if re.fullmatch(r"/[\w/-]+", said) else ""
        # A path of its own server for work, which hands it on.
        is_own = bool(path) and path in variable.handed_on
        return said if is_own else f"${{services.{target}.public_url}}{path}"
    if not scene.may_call(variable.service.name, target):
        return None
    return f"${{services.{target}.{output}}}"


def of_its_own_place(variable: Variable) -> str | None:
    """It has to be told where people reach it, and no file says that."""
    read, service = variable.read, variable.service
    if variable.given is not None or not service.ports:
        return None
    stem = read.name.removesuffix("_URL")
    is_own = stem.lower().replace("_", "-") == service.name or stem in _OWN_PLACES
    is_own = is_own and read.name in service.missing
    if is_own or (_is_lacking(read) and _OWN_SIDE.fullmatch(stem) and _SERVES.search(service.name)):
        return f"${{services.{service.name}.public_url}}"
    return None


def of_the_pages(variable: Variable) -> str | None:
    """It has to be told where people see the pages of the one front end, and no file says that."""
    service = variable.service
    if variable.given is not None or not _is_lacking(variable.read) or not service.ports:
        return None
    others = [one for one in variable.scene.services.values() if one.name != service.name]
    pages = [one.name for one in others if one.ports and _HAS_PAGES.match(one.name)]
    is_asked = _OF_PAGES.fullmatch(variable.read.name) and len(pages) == 1
    return f"${{services.{pages[0]}.public_url}}" if is_asked else None


def _is_lacking(read: VariableRead) -> bool:
    """Tell whether a program has nothing in the place of a variable."""
    return read.default is None and not read.is_tested and not read.in_a_file


def of_its_container(variable: Variable) -> str | None:
    """Its default is a path of its container, which is nothing here: say where that is."""
    service, path = variable.service, variable.read.default or ""
    if variable.given is not None or not re.fullmatch(r"/[\w.-]+(?:/[\w.-]+)+/?", path):
        return None
    for name, there in service.mounts.items():
        if name in service.volumes and (path == there or path.startswith(f"{there}/")):
            return variable.scene.place_of_volume(service, name) + path.removeprefix(there)
    for there, here in service.inside.items():
        if path == there or path.startswith(f"{there.rstrip('/')}/"):
            return posixpath.normpath(posixpath.join(here, path.removeprefix(there).lstrip("/")))
    return None


def _named(stem: str, service: Service, scene: Scene) -> str | None:
    """Find the service that a variable names: CATALOG is `catalog` or `catalog-service`."""
    wanted = re.sub(r"_?(SERVICE|SVC|SERVER|APP)$", "", stem).lower().replace("_", "")
    known = scene.called

    def others(plain: str, *, ends: bool = False) -> Iterator[str]:
        names = (known.ending if ends else known.plain).get(plain, ())
        yield from (n for n in names if n != service.name and scene.services[n].ports)

    def matching() -> Iterator[str]:
        if wanted:
            yield from others(wanted)
        if len(wanted) > 2:
            yield from others(wanted, ends=True)
        behind = re.search(r"api|backend|server", service.name)
        if wanted in ("api", "backend", "server") and not behind:
            listening = [s.name for s in scene.services.values() if s.ports]
            apart = [name for name in listening if name != service.name]
            named = [name for name in apart if _BACK.search(name)]
            yield from next((one for one in (apart, named) if len(one) == 1), [])

    return next(matching(), None)
