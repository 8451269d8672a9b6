"""What does not fit together in a system's `organization`; the loader reports it."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.errors import Problem, did_you_mean
from tarmac.model.system import System


def organization_problems(system: System) -> Iterator[Problem]:
    """Yield what does not fit together in `organization`."""
    wanted = system.file.organization
    if wanted is None:
        return

    def at(*path: str | int) -> str:
        return str(system.locate(("organization", *path), key=True))

    emails: dict[str, str] = {}
    for name, account in wanted.accounts.items():
        if account.email in emails:
            what = f"{account.email} is the address of '{emails[account.email]}', too"
            yield Problem(at("accounts", name, "email"), f"{what}; AWS wants another one")
        emails[account.email] = name
        environment = system.file.environments.get(name)
        registry = (environment.registry or "") if environment else ""
        if account.id and environment and not registry.startswith(f"{account.id}."):
            what = f"{account.id} is not the account of environment '{name}'"
            here = f"write the one of its `registry` ({registry or 'which it has not'})"
            yield Problem(at("accounts", name, "id"), f"{what}; {here}")
    for group, access in wanted.access.items():
        for number, name in enumerate(access.accounts):
            if name not in wanted.accounts:
                what = f"group {group} enters unknown account '{name}'"
                known = did_you_mean(name, wanted.accounts)
                yield Problem(at("access", group, "accounts", number), f"{what}; {known}")
