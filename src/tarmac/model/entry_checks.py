"""Checks of an environment's entry; `consistency` calls them."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.errors import Problem
from tarmac.model.environment import Environment
from tarmac.model.system import System


def entry_problems(system: System, name: str, environment: Environment) -> Iterator[Problem]:
    """Yield what is wrong with the entry of an environment, if it has one."""
    entry = environment.entry
    if entry is None:
        return

    def at(*path: str) -> str:
        return str(system.locate(("environments", name, "entry", *path), key=True))

    if environment.target != "compose":
        what = f"`entry` is for an environment of target compose, not {environment.target}"
        instead = "write `ingress`" if environment.target == "cluster" else "remove it"
        yield Problem(at(), f"{what}; {instead}")
        return
    if not any(service.public for service in system.file.services.values()):
        yield Problem(at(), "`entry` leads nowhere: no service has `public`; add it to one")
    if bool(entry.certificate) != bool(entry.key):
        given, other = ("certificate", "key") if entry.certificate else ("key", "certificate")
        yield Problem(at(given), f"`{given}` is of no use without `{other}`; add it")
    if entry.certificate and entry.email:
        what = "`email` is for certificates by ACME, and `certificate` is one of your own"
        yield Problem(at("email"), f"{what}; remove one of the two")
    if entry.issuer and not entry.email:
        what = "`issuer` wants an address to write to"
        yield Problem(at("issuer"), f"{what}; add `email`, e.g. email: ops@example.com")
    if entry.email and not (environment.domain or system.file.domain):
        what = "an authority gives certificates for real hosts, and there is no `domain`"
        yield Problem(at("email"), f"{what}; add it to the system, or to environment {name}")
    if entry.http == entry.https:
        what = f"`http` and `https` have the same port ({entry.http})"
        yield Problem(
            at("https" if "https" in entry.model_fields_set else "http"),
            f"{what}; give each one of its own",
        )
