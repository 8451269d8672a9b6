"""Leads to a store in a cluster: its address there on a port of this machine, as one of its users.

Where a user's password is, only the cluster knows (scripts, External Secrets): it is read there, in
the Secret that the user's own pods take it from.
"""

from __future__ import annotations

import base64
import contextlib
import urllib.parse
from collections.abc import Iterator

from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.run.cluster.forwarding import forwarding
from tarmac.run.cluster.running import DeployedSystem


@contextlib.contextmanager
def store_url(running: DeployedSystem, store: str, user: str = "") -> Iterator[str]:
    """Give a URL on this machine that leads to a store in the cluster, until the end.

    Args:
        user: the service as which; the first that uses it without.

    Raises:
        BadInput: no such store, or that service does not use it.
        TarmacError: nothing there says its URL, or kubectl cannot lead to it.
    """
    user = _user(running, store, user)
    url = urllib.parse.urlsplit(_url(running, store, user))
    with forwarding(running, f"service/{store}", url.port or 0) as way:
        account = url.netloc.rpartition("@")[0]
        yield url._replace(netloc=f"{account}@127.0.0.1:{way.port}").geturl()


def _user(running: DeployedSystem, store: str, user: str) -> str:
    plan = running.plan
    users = list(dict.fromkeys(one.source for one in plan.allowed if one.target == store))
    if not users:
        known = [workload.name for workload in plan.stores]
        what = f"no store that a service of {plan.system} uses"
        raise BadInput([Problem(store, f"{what}; {did_you_mean(store, known)}")])
    if user and user not in users:
        raise BadInput([Problem(user, f"does not use {store}; {did_you_mean(user, users)}")])
    return user or users[0]


def _url(running: DeployedSystem, store: str, user: str) -> str:
    """Read the URL by which a service's own pods reach a store."""
    workload = running.plan.workload(user)
    name = next(
        (
            name
            for name, variable in workload.env.items()
            if f"@{store}:" in "".join(part for part in variable.value if isinstance(part, str))
        ),
        None,
    )
    if name is None:
        raise TarmacError(f"{user}: none of its variables is the URL of {store}")
    (found,) = running.kubectl.read("get", "deployment", user, running.where)
    variables = found["spec"]["template"]["spec"]["containers"][0].get("env", ())
    named = [one for one in variables if one["name"] == name]
    key = named[0].get("valueFrom", {}).get("secretKeyRef") if named else None
    if key is None:
        raise TarmacError(f"deployment {user}: variable {name} is from no Secret")
    (secret,) = running.kubectl.read("get", "secret", key["name"], running.where)
    return base64.b64decode(secret["data"][key["key"]]).decode()
