"""Secrets that a program opens as files: `${stores.db.password_file}`, `secrets: {X: {as: file}}`.

Here each is a file that only you can read, below the copy of the system; in a container it is
mounted. The variable holds its path.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tarmac.base.launch import (
    File,
    Text,
    is_leased,
    is_secret,
    text,
)
from tarmac.model.edge import references
from tarmac.plan import secret_variables

if TYPE_CHECKING:
    from tarmac.model.location import Path
    from tarmac.model.reference import Reference
    from tarmac.plan.bindings import Bindings
    from tarmac.plan.references import Outputs

#: Where programs in containers look for them.
IN_CONTAINERS = "/run/secrets"
#: What the name of an output ends in whose file is wanted.
END = "_file"
#: The outputs of a store that programs read from files.
OUTPUTS = ("password", "url", "user")
#: The folder, below that of all files, of those that are renewed while their readers run.
RENEWED = "leased"


def path_of(bindings: Bindings, service: str, name: str) -> str:
    """Return where a service finds one of its files."""
    facts = bindings.facts
    return f"{facts.secret_files or f'{facts.home}/secret-files/{service}'}/{name}"


def with_files(bindings: Bindings, service: str, store: str, offered: Outputs) -> Outputs:
    """Add to what a store offers the paths of files that hold it."""
    paths = {
        f"{name}{END}": text(_path_of(bindings, service, store, name, offered[name]))
        for name in OUTPUTS
        if is_secret(offered.get(name, ()))
    }
    return {**offered, **paths}


def url_file(bindings: Bindings, service: str, store: str, url: Text) -> str:
    """Return where a service finds the URL of a store."""
    return _path_of(bindings, service, store, "url", url)


def _path_of(bindings: Bindings, service: str, store: str, output: str, content: Text) -> str:
    name = f"{store}.{output}"
    return path_of(bindings, service, f"{RENEWED}/{name}" if is_leased(content) else name)


def of_service(bindings: Bindings, service: str) -> tuple[File, ...]:
    """List the files of one service, by their whole paths."""
    found = dict(_of_variables(bindings, service)) | dict(_of_stores(bindings, service))
    return tuple(File(path, found[path]) for path in sorted(found))


def _of_variables(bindings: Bindings, service: str) -> Iterator[tuple[str, Text]]:
    for variable in secret_variables.of_service(bindings, service):
        if variable.is_file:
            yield path_of(bindings, service, variable.name), (variable.secret,)


def _of_stores(bindings: Bindings, service: str) -> Iterator[tuple[str, Text]]:
    for _, reference in references_of(bindings, service):
        name = reference.output.removesuffix(END)
        if reference.root not in ("stores", "broker") or name == reference.output:
            continue
        content = bindings.store_outputs(reference.name, service).get(name, ())
        if name in OUTPUTS and is_secret(content):
            yield _path_of(bindings, service, reference.name, name, content), content
    if not bindings.facts.lease_s:
        return
    for _, store in bindings.system.bound_slots(service).values():
        url = bindings.store_outputs(store, service)["url"]
        if is_leased(url):
            yield url_file(bindings, service, store, url), url


def references_of(bindings: Bindings, service: str) -> Iterator[tuple[Path, Reference]]:
    """Yield what the variables of a service refer to, here and in this environment, and where."""
    file, environment = bindings.system.file, bindings.facts.environment
    own: Path = ("services", service, "env")
    given = {name: (own, value) for name, value in file.services[service].env.items()}
    if environment:
        there: Path = ("environments", environment, "env", service)
        others = file.environments[environment].env.get(service, {})
        given |= {name: (there, value) for name, value in others.items()}
    for name, (path, value) in given.items():
        for reference in references(value):
            yield (*path, name), reference
