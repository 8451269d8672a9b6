"""Assessments of stores, objectives and the settings of an environment.

As in `judging_workloads`: a small function for each kind of fact.
"""

from __future__ import annotations

import ipaddress

from tarmac.change.compare.change import Risk, RiskAssessment
from tarmac.change.compare.facts import TOLD_BY, ComparedFact, StoreFacts
from tarmac.change.compare.wording import amount, code, listed, major, plural, text

HIGH, MEDIUM, LOW = Risk.HIGH, Risk.MEDIUM, Risk.LOW


def store(found: ComparedFact) -> RiskAssessment:
    """Assess a store: presence, kind, place and version."""
    was, now = found.values
    if was is None:
        users = sorted(
            {e.source for e in found.after.plan.allowed if e.target == found.key.subject}
        )
        used = f"; used by {listed(users)}" if users else ""
        return RiskAssessment(MEDIUM, f"new store: {code(_kept(now))} {_where(now)}{used}")
    if now is None:
        return RiskAssessment(
            HIGH, f"store removed ({code(_kept(was))} {_where(was)})", "its data may be lost"
        )
    if was.kind != now.kind:
        what = f"{code(_kept(was))} -> {code(_kept(now))}"
        return RiskAssessment(HIGH, what, "a different kind of store: migrate its data first")
    if was.server != now.server:
        what = f"{_where(was)} -> {_where(now)}"
        return RiskAssessment(HIGH, what, "migrate its data first; all of its addresses change")
    if was.version != now.version:
        what = f"version {code(was.version or 'any')} -> {code(now.version or 'any')}"
        if not (was.version and now.version):
            return RiskAssessment(MEDIUM, what, "the version is not pinned")
        if major(was.version) != major(now.version):
            why = "major version: the data must be upgraded, possibly without a way back"
            return RiskAssessment(HIGH, what, why)
        return RiskAssessment(LOW, what)
    return RiskAssessment(
        MEDIUM, f"image {code(was.image)} -> {code(now.image)}", "from another place"
    )


def _kept(store: StoreFacts) -> str:
    return f"{store.kind} {store.version}".rstrip()


def _where(store: StoreFacts) -> str:
    return f"managed on server `{store.server}`" if store.server else "in the cluster"


def managed_port(found: ComparedFact) -> RiskAssessment:
    """Assess a managed server's port."""
    was, now = found.values
    return RiskAssessment(MEDIUM, f"server's port {text(was)} -> {text(now)}")


def call(found: ComparedFact) -> RiskAssessment:
    """Assess timeout and retries of a call; the call itself is an edge."""
    was, now = found.values
    name = code(found.key.name)
    if was is None:
        return RiskAssessment(
            LOW, f"now calls {name} by name (timeout {now[0]:g} s, retries {now[1]})"
        )
    if now is None:
        return RiskAssessment(LOW, f"no longer calls {name} by name")
    said = []
    if was[0] != now[0]:
        said.append(f"timeout {was[0]:g} -> {now[0]:g} s")
    if was[1] != now[1]:
        said.append(f"retries {was[1]} -> {now[1]}")
    more = now[1] > was[1]
    why = "retries add load to a service that is already slow" if more else ""
    return RiskAssessment(MEDIUM if more else LOW, f"calls {name}: {', '.join(said)}", why)


def topic(found: ComparedFact) -> RiskAssessment:
    """Assess an event that a service publishes or consumes."""
    how, _, name = found.key.name.partition(" ")
    if found.verb == "added":
        return RiskAssessment(MEDIUM, f"now {how} {code(name)}")
    why = {
        "publishes": "its consumers no longer receive it",
        "consumes": "the event is no longer handled here",
    }[how]
    return RiskAssessment(MEDIUM, f"no longer {how} {code(name)}", why)


def objective(found: ComparedFact) -> RiskAssessment:
    """Assess an objective."""
    was, now = found.values
    name = code(found.key.name)
    if was is None:
        return RiskAssessment(LOW, f"new objective {name}: {now:g} %")
    if now is None:
        return RiskAssessment(
            MEDIUM, f"objective {name} removed (was {was:g} %)", "the target is dropped"
        )
    loose = now < was
    why = "the target is lower, and alerts fire later" if loose else ""
    return RiskAssessment(MEDIUM if loose else LOW, f"objective {name}: {was:g} -> {now:g} %", why)


def quota(found: ComparedFact) -> RiskAssessment:
    """Assess the quota of a namespace."""
    was, now = found.values
    what = f"quota of {found.key.name} {code(was)} -> {code(now)}"
    if now is None:
        return RiskAssessment(MEDIUM, what, "it may use the whole cluster")
    if was is None or amount(now) < amount(was):
        return RiskAssessment(MEDIUM, what, "pods above it are not started")
    return RiskAssessment(LOW, what)


def ingress(found: ComparedFact) -> RiskAssessment:
    """Assess a setting of the ingress."""
    was, now = found.values
    what = f"ingress {found.key.name} {code(was)} -> {code(now)}"
    if found.key.name == "tls" and now is None:
        return RiskAssessment(HIGH, what, "requests arrive unencrypted")
    return RiskAssessment(
        MEDIUM, what, "every public address is served by other pods or another path"
    )


def setting(found: ComparedFact) -> RiskAssessment:
    """Assess a setting of the whole environment."""
    was, now = found.values
    name = found.key.name
    if was is None or now is None:
        lost = now is None and name == "mesh"
        why = "traffic between services is no longer encrypted and authorised by it" if lost else ""
        return RiskAssessment(HIGH if lost else MEDIUM, f"{name} {code(was)} -> {code(now)}", why)
    what = f"{name} {code(was)} -> {code(now)}"
    match name:
        case "zones":
            fewer = now < was
            why = "losing one zone removes more capacity" if fewer else ""
            return RiskAssessment(HIGH if fewer else LOW, f"{plural(was, 'zone')} -> {now}", why)
        case "namespace":
            why = "everything is created again beside the old one, volumes too; remove the old one"
            return RiskAssessment(HIGH, what, why)
        case "cloud" | "region":
            return RiskAssessment(
                HIGH, what, "everything is created again there; migrate the data first"
            )
        case "network":
            wider = (
                ipaddress.ip_network(was).num_addresses < ipaddress.ip_network(now).num_addresses
            )
            why = "more addresses may be reached" if wider else ""
            return RiskAssessment(HIGH if wider else MEDIUM, what, why)
        case "monitoring":
            return RiskAssessment(
                MEDIUM,
                what,
                "metrics may be read from the new namespace, no longer from the old one",
            )
        case "checklist":
            why = "unproven changes may be deployed there" if was else ""
            return RiskAssessment(
                HIGH if was else LOW, f"{name} {code(text(was))} -> {code(text(now))}", why
            )
        case "secrets":
            return RiskAssessment(MEDIUM, what, "every secret must exist before the rollout")
        case "nodes":
            return RiskAssessment(MEDIUM, what, "pods stay pending if no node has these labels")
        case "owner":
            return RiskAssessment(LOW, what)
        case _ if name in TOLD_BY:
            return RiskAssessment(LOW, what, "no effect today")
        case _:
            return RiskAssessment(MEDIUM, f"{name} {code(text(was))} -> {code(text(now))}")


def other(found: ComparedFact) -> RiskAssessment:
    """Assess a fact without a kind of its own."""
    was, now = found.values
    return RiskAssessment(LOW, f"{found.key.name} {code(was)} -> {code(now)}")
