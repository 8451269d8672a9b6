"""What a difference of stores, promises and an environment's settings means.

As in `judging_workloads`: a small function for each kind of fact.
"""

from __future__ import annotations

import ipaddress

from tarmac.compare.change import Risk, Told
from tarmac.compare.facts import TOLD_BY, Kept, Seen
from tarmac.compare.wording import amount, code, listed, major, plural, text

HIGH, MEDIUM, LOW = Risk.HIGH, Risk.MEDIUM, Risk.LOW


def store(found: Seen) -> Told:
    """Tell of a store: whether it is there, what it is, where, in which version."""
    was, now = found.values
    if was is None:
        users = sorted(
            {e.source for e in found.after.plan.allowed if e.target == found.key.subject}
        )
        used = f"; used by {listed(users)}" if users else ""
        return Told(MEDIUM, f"new store: {code(_kept(now))} {_where(now)}{used}")
    if now is None:
        return Told(
            HIGH, f"store removed ({code(_kept(was))} {_where(was)})", "its data may be lost"
        )
    if was.kind != now.kind:
        what = f"{code(_kept(was))} -> {code(_kept(now))}"
        return Told(HIGH, what, "another kind of store: its data must be moved before")
    if was.server != now.server:
        what = f"{_where(was)} -> {_where(now)}"
        return Told(HIGH, what, "its data must be moved before, and every address of it changes")
    if was.version != now.version:
        what = f"version {code(was.version or 'any')} -> {code(now.version or 'any')}"
        if not (was.version and now.version):
            return Told(MEDIUM, what, "which one runs is left open")
        if major(was.version) != major(now.version):
            why = "major version: the data must be upgraded, and there may be no way back"
            return Told(HIGH, what, why)
        return Told(LOW, what)
    return Told(MEDIUM, f"image {code(was.image)} -> {code(now.image)}", "from another place")


def _kept(store: Kept) -> str:
    return f"{store.kind} {store.version}".rstrip()


def _where(store: Kept) -> str:
    return f"managed on server `{store.server}`" if store.server else "in the cluster"


def managed_port(found: Seen) -> Told:
    """Tell of a managed server's port."""
    was, now = found.values
    return Told(MEDIUM, f"server's port {text(was)} -> {text(now)}")


def call(found: Seen) -> Told:
    """Tell of how a call is made; that it is made at all is an edge."""
    was, now = found.values
    name = code(found.key.name)
    if was is None:
        return Told(LOW, f"now calls {name} by name (time-out {now[0]:g} s, retries {now[1]})")
    if now is None:
        return Told(LOW, f"no longer calls {name} by name")
    said = []
    if was[0] != now[0]:
        said.append(f"time-out {was[0]:g} -> {now[0]:g} s")
    if was[1] != now[1]:
        said.append(f"retries {was[1]} -> {now[1]}")
    more = now[1] > was[1]
    why = "more retries are more load on one that is already slow" if more else ""
    return Told(MEDIUM if more else LOW, f"calls {name}: {', '.join(said)}", why)


def topic(found: Seen) -> Told:
    """Tell of an event that a service publishes or consumes."""
    how, _, name = found.key.name.partition(" ")
    if found.verb == "added":
        return Told(MEDIUM, f"now {how} {code(name)}")
    why = {
        "publishes": "who consumes it waits in vain",
        "consumes": "nobody does here what it did on that event",
    }[how]
    return Told(MEDIUM, f"no longer {how} {code(name)}", why)


def objective(found: Seen) -> Told:
    """Tell of what is promised."""
    was, now = found.values
    name = code(found.key.name)
    if was is None:
        return Told(LOW, f"new objective {name}: {now:g} %")
    if now is None:
        return Told(MEDIUM, f"objective {name} removed (was {was:g} %)", "less is promised")
    loose = now < was
    why = "less is promised, and alerts come later" if loose else ""
    return Told(MEDIUM if loose else LOW, f"objective {name}: {was:g} -> {now:g} %", why)


def quota(found: Seen) -> Told:
    """Tell of the most that a namespace may request."""
    was, now = found.values
    what = f"quota of {found.key.name} {code(was)} -> {code(now)}"
    if now is None:
        return Told(MEDIUM, what, "nothing keeps it from taking the whole cluster")
    if was is None or amount(now) < amount(was):
        return Told(MEDIUM, what, "pods beyond it are not started")
    return Told(LOW, what)


def ingress(found: Seen) -> Told:
    """Tell of what leads the world's requests in."""
    was, now = found.values
    what = f"ingress {found.key.name} {code(was)} -> {code(now)}"
    if found.key.name == "tls" and now is None:
        return Told(HIGH, what, "requests come in unencrypted")
    return Told(MEDIUM, what, "every public address is served by other pods or another way")


def setting(found: Seen) -> Told:
    """Tell of a setting of the whole environment."""
    was, now = found.values
    name = found.key.name
    if was is None or now is None:
        lost = now is None and name == "mesh"
        why = "traffic between services is no longer encrypted and authorised by it" if lost else ""
        return Told(HIGH if lost else MEDIUM, f"{name} {code(was)} -> {code(now)}", why)
    what = f"{name} {code(was)} -> {code(now)}"
    match name:
        case "zones":
            fewer = now < was
            why = "the loss of one takes a larger part" if fewer else ""
            return Told(HIGH if fewer else LOW, f"{plural(was, 'zone')} -> {now}", why)
        case "namespace":
            why = "all is made anew beside the old one, volumes too; the old one must be removed"
            return Told(HIGH, what, why)
        case "cloud" | "region":
            return Told(HIGH, what, "all is made anew there, and data must be moved before")
        case "network":
            wider = (
                ipaddress.ip_network(was).num_addresses < ipaddress.ip_network(now).num_addresses
            )
            why = "more addresses may be reached" if wider else ""
            return Told(HIGH if wider else MEDIUM, what, why)
        case "monitoring":
            return Told(MEDIUM, what, "pods there may now read metrics, those here no longer")
        case "checklist":
            why = "what is not proven may be deployed there" if was else ""
            return Told(HIGH if was else LOW, f"{name} {code(text(was))} -> {code(text(now))}", why)
        case "secrets":
            return Told(MEDIUM, what, "every secret must be there before the rollout")
        case "nodes":
            return Told(MEDIUM, what, "pods wait where no node has these labels")
        case "owner":
            return Told(LOW, what)
        case _ if name in TOLD_BY:
            return Told(LOW, what, "nothing follows from it today")
        case _:
            return Told(MEDIUM, f"{name} {code(text(was))} -> {code(text(now))}")


def other(found: Seen) -> Told:
    """Tell of what has no kind of its own."""
    was, now = found.values
    return Told(LOW, f"{found.key.name} {code(was)} -> {code(now)}")
