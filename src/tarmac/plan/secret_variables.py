"""The variables of a service that hold secrets of its own: those of its parts, and those listed.

A second value, which it accepts besides, has a variable and a secret too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tarmac.base.launch import Secret, ServiceSecret, SharedSecret

if TYPE_CHECKING:
    from tarmac.model.rotation import Rotation
    from tarmac.plan.bindings import Bindings


@dataclass(frozen=True)
class SecretVariable:
    """One variable, and the secret that it holds or whose file it names."""

    name: str
    secret: Secret
    #: `file:line:col` of what says so.
    origin: str
    rotation: Rotation
    is_file: bool = False
    #: The variable whose second value this is; "": it is a first one.
    second_of: str = ""


def of_service(bindings: Bindings, service: str) -> Iterator[SecretVariable]:
    """Yield the variables; a later one of the same name counts."""
    for first in _firsts(bindings, service):
        yield first
        if second := first.rotation.also:
            secret = _secret(service, second, first.secret, is_file=first.is_file)
            yield SecretVariable(
                second, secret, first.origin, first.rotation, first.is_file, second_of=first.name
            )


def _firsts(bindings: Bindings, service: str) -> Iterator[SecretVariable]:
    system = bindings.system
    for sourced in system.parts[service]:
        for name, generated in sourced.part.secrets.items():
            origin = str(sourced.document.locate(("secrets", name), key=True))
            secret = Secret.of(ServiceSecret(service, name), generated.bytes)
            yield SecretVariable(name, secret, origin, generated)
    for name, use in system.file.services[service].secrets.items():
        origin = str(system.locate(("services", service, "secrets", name), key=True))
        stem = name.removesuffix("_FILE") if use.is_file else name
        if {stem, name} & {*system.file.secrets}:
            secret = _shared(bindings, stem)
        else:
            secret = Secret.of(ServiceSecret(service, stem), use.bytes, use.form)
        yield SecretVariable(name, secret, origin, use, use.is_file)


def _shared(bindings: Bindings, stem: str) -> Secret:
    """Name a secret that several services list, of the form and length that they say of it."""
    names = (stem, f"{stem}_FILE")
    services = bindings.system.file.services.values()
    uses = [s.secrets[name] for s in services for name in names if name in s.secrets]
    form: Literal["hex", "base64"] = "base64" if any(u.form != "hex" for u in uses) else "hex"
    return Secret.of(SharedSecret(stem), max((u.bytes for u in uses), default=24), form)


def _secret(service: str, name: str, first: Secret, *, is_file: bool) -> Secret:
    """Name a second value's secret; one of a shared secret is shared as well."""
    stem = name.removesuffix("_FILE") if is_file else name
    if isinstance(first.owner, SharedSecret):
        return Secret.of(SharedSecret(stem), first.size_bytes, first.form)
    return Secret.of(ServiceSecret(service, stem), first.size_bytes, first.form)
