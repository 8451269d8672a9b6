"""Leads to a store in a cluster: its address there on a port of this machine, as one of its users.

Where a user's password is, only the cluster knows (scripts, External Secrets): it is read there, in
the Secret that the user's own pods take it from.
"""

from __future__ import annotations

import base64
import contextlib
import urllib.parse
from collections.abc import Iterator

from tarmac.base.errors import TarmacError
from tarmac.plan.access import url_variable, user_of
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
    user = user_of(running.plan, store, user)
    url = urllib.parse.urlsplit(_url(running, store, user))
    with forwarding(running, f"service/{store}", url.port or 0) as way:
        account = url.netloc.rpartition("@")[0]
        yield url._replace(netloc=f"{account}@127.0.0.1:{way.port}").geturl()


def _url(running: DeployedSystem, store: str, user: str) -> str:
    """Read the URL by which a service's own pods reach a store."""
    name = url_variable(running.plan, store, user)
    (found,) = running.kubectl.read("get", "deployment", user, running.where)
    variables = found["spec"]["template"]["spec"]["containers"][0].get("env", ())
    named = [one for one in variables if one["name"] == name]
    key = named[0].get("valueFrom", {}).get("secretKeyRef") if named else None
    if key is None:
        raise TarmacError(f"deployment {user}: variable {name} is from no Secret")
    (secret,) = running.kubectl.read("get", "secret", key["name"], running.where)
    return base64.b64decode(secret["data"][key["key"]]).decode()
