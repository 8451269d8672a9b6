"""Secrets that a program opens as files: `${stores.db.password_file}`, `secrets: {X: {as: file}}`.

Here each is a file that only you can read, below the copy of the system; in a container it is
mounted. The variable holds its path.
"""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.launch import File, Secret, ServiceSecret, SharedSecret, Text, is_secret, text
from tarmac.model.edge import references
from tarmac.model.reference import Reference
from tarmac.plan.bindings import Bindings
from tarmac.plan.references import Outputs

#: Where programs in containers look for them.
IN_CONTAINERS = "/run/secrets"
#: What the name of an output ends in whose file is wanted.
END = "_file"
#: The outputs of a store that programs read from files.
OUTPUTS = ("password", "url")


def variable_secret(bindings: Bindings, service: str, variable: str) -> Secret:
    """Name the secret of a variable that a service lists: that of API_KEY_FILE is API_KEY's."""
    spec = bindings.system.file.services[service].secrets[variable]
    name = variable.removesuffix("_FILE") if spec.is_file else variable
    is_shared = bool({name, variable} & {*bindings.system.file.secrets})
    return Secret.of(SharedSecret(name) if is_shared else ServiceSecret(service, name))


def path_of(bindings: Bindings, service: str, name: str) -> str:
    """Return where a service finds one of its files."""
    facts = bindings.facts
    return f"{facts.secret_files or f'{facts.home}/secret-files/{service}'}/{name}"


def with_files(bindings: Bindings, service: str, store: str, offered: Outputs) -> Outputs:
    """Add to what a store offers the paths of files that hold it."""
    paths = {
        f"{name}{END}": text(path_of(bindings, service, f"{store}.{name}"))
        for name in OUTPUTS
        if is_secret(offered.get(name, ()))
    }
    return {**offered, **paths}


def of_service(bindings: Bindings, service: str) -> tuple[File, ...]:
    """List the files of one service, by their whole paths."""
    found = dict(_of_variables(bindings, service)) | dict(_of_stores(bindings, service))
    return tuple(File(path_of(bindings, service, name), found[name]) for name in sorted(found))


def _of_variables(bindings: Bindings, service: str) -> Iterator[tuple[str, Text]]:
    for variable, spec in bindings.system.file.services[service].secrets.items():
        if spec.is_file:
            yield variable, (variable_secret(bindings, service, variable),)


def _of_stores(bindings: Bindings, service: str) -> Iterator[tuple[str, Text]]:
    for reference in _references(bindings, service):
        name = reference.output.removesuffix(END)
        if reference.root not in ("stores", "broker") or name == reference.output:
            continue
        content = bindings.store_outputs(reference.name, service).get(name, ())
        if name in OUTPUTS and is_secret(content):
            yield f"{reference.name}.{name}", content


def _references(bindings: Bindings, service: str) -> Iterator[Reference]:
    """Yield what the variables of a service refer to, here and in this environment."""
    file, environment = bindings.system.file, bindings.facts.environment
    given = dict(file.services[service].env)
    if environment:
        given |= file.environments[environment].env.get(service, {})
    for value in given.values():
        yield from references(value)
