"""How a person gets into each store: the URLs of its administrator and users, and its shell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.base.launch import Text
from tarmac.catalog.stores.kind import Shell, User, external_outputs
from tarmac.plan.bindings import Bindings
from tarmac.plan.plan import Access

if TYPE_CHECKING:
    from tarmac.plan.cluster import ClusterPlan

#: Stands for the administrator among the users of a store.
ADMIN = ""


def access(bindings: Bindings) -> tuple[Access, ...]:
    """List the ways into every store, on its own port: a wire's traffic is its user's alone."""
    return tuple(_access(bindings, store) for store in bindings.views)


def shell_call(shell: Shell | None, url: str) -> dict[str, Any]:
    """Return how a shell is started for the user of a URL: its `programs`, `arguments` and `env`.

    No programs where the kind has none, or the URL no user.
    """
    parts = urlsplit(url)
    if shell is None or not parts.username:
        return {"programs": []}
    values = {"host": parts.hostname, "port": parts.port, "user": unquote(parts.username)}
    values["path"] = unquote(parts.path.lstrip("/"))
    return {
        "programs": shell.programs,
        "arguments": [argument.format(**values) for argument in shell.arguments],
        "env": {shell.password: unquote(parts.password or "")},
    }


def user_of(plan: ClusterPlan, store: str, user: str = "") -> str:
    """Return the service as which a store is asked: that one, or the first that uses it.

    Raises:
        BadInput: no such store, or that service does not use it.
    """
    users = list(dict.fromkeys(one.source for one in plan.allowed if one.target == store))
    if not users:
        known = [workload.name for workload in plan.stores]
        what = f"no store that a service of {plan.system} uses"
        raise BadInput([Problem(store, f"{what}; {did_you_mean(store, known)}")])
    if user and user not in users:
        raise BadInput([Problem(user, f"does not use {store}; {did_you_mean(user, users)}")])
    return user or users[0]


def url_variable(plan: ClusterPlan, store: str, user: str) -> str:
    """Name the variable in which a service has the URL of a store. Raises TarmacError."""
    for name, variable in plan.workload(user).env.items():
        if f"@{store}:" in "".join(part for part in variable.value if isinstance(part, str)):
            return name
    raise TarmacError(f"{user}: none of its variables is the URL of {store}")


def _access(bindings: Bindings, store: str) -> Access:
    kind, context, candidate = bindings.kinds[store], bindings.views[store], bindings.offer(store)
    urls: dict[str, Text] = {}
    if candidate.address is not None:
        urls[ADMIN] = external_outputs(kind, store, candidate.address)["url"]
    else:
        context = replace(context, ports={port: context.ports[port] for port in kind.ports})
        if kind.admin:
            urls[ADMIN] = kind.outputs["url"](context, User(kind.admin, context.admin))
        for user in context.users:
            urls[user.service] = kind.outputs["url"](context, user)
    return Access(store, kind.title, urls, kind.shell)
