"""Assessments of what Terraform makes: servers, nodes, and what holds them."""

from __future__ import annotations

from collections.abc import Sequence

from tarmac.change.compare.change import Risk, RiskAssessment
from tarmac.change.compare.cloud_facts import ROLE, WAY_OUT
from tarmac.change.compare.facts import ComparedFact
from tarmac.change.compare.wording import code, text

HIGH, MEDIUM, LOW = Risk.HIGH, Risk.MEDIUM, Risk.LOW
#: What AWS makes again where it changes, by the name of the value.
REPLACED = (
    "made by",
    "project",
    "standby network",
    "standby region",
    "standby zones",
    "zone",
    "zones",
)
#: What else follows, by how the name of the value begins.
LEADING = {
    "load balancer of": "every public host leads there",
    "standby pilot light": "the second region gets its nodes, or loses them",
}


def cloud(found: ComparedFact) -> RiskAssessment:
    """Assess a value of what is made in the cloud."""
    was, now = found.values
    name = found.key.name
    what = f"{name} {code(text(was))} -> {code(text(now))}"
    if name.startswith("API server from"):
        opened = now is not None
        why = "more addresses reach the API server" if opened else ""
        said = f"{name} {'allowed' if opened else 'no longer allowed'}"
        return RiskAssessment(HIGH if opened else LOW, said, why)
    if name == WAY_OUT:
        return _way_out(was, now)
    if was is None:
        return RiskAssessment(LOW, f"{name}: {code(text(now))} will be made")
    if now is None:
        lost = name.startswith(("server", "bucket"))
        why = "its data go with it, unless a snapshot is kept" if lost else ""
        return RiskAssessment(HIGH if lost else MEDIUM, f"{name} goes (was {code(text(was))})", why)
    if name in REPLACED:
        return RiskAssessment(HIGH, what, "it is recreated, and the old one is destroyed")
    if name == "protected":
        why = "" if now else "one `destroy` deletes the data"
        return RiskAssessment(LOW if now else HIGH, f"{name} {text(was)} -> {text(now)}", why)
    if name.endswith(("days of backups", "days of objects", "instances", "NAT gateways", "counts")):
        fewer = now < was
        why = "less is left when something is lost" if fewer else ""
        return RiskAssessment(MEDIUM if fewer else LOW, what, why)
    if name.endswith("GiB"):
        why = "AWS makes no disk smaller" if now < was else ""
        return RiskAssessment(HIGH if now < was else LOW, what, why)
    if leads := next((why for start, why in LEADING.items() if name.startswith(start)), ""):
        return RiskAssessment(MEDIUM, what, leads)
    if name == "CDN requests of an address":
        why = "visitors that share an address are refused sooner" if now < was else ""
        return RiskAssessment(MEDIUM if now < was else LOW, what, why)
    if name.endswith("class"):
        return RiskAssessment(MEDIUM, what, "the server fails over or restarts")
    if name.endswith("version"):
        why = "major version: the data must be upgraded, possibly without a way back"
        return RiskAssessment(HIGH, what, why)
    return RiskAssessment(MEDIUM, what, "nodes are replaced one after the other")


def _way_out(was: Sequence[str] | None, now: Sequence[str] | None) -> RiskAssessment:
    """Assess the hosts that a firewall lets out; None: there is no firewall."""
    if was is None:
        why = "traffic to hosts that are not listed is dropped, and the NAT gateways are recreated"
        return RiskAssessment(MEDIUM, f"{WAY_OUT} will be made", why)
    if now is None:
        why = "egress that a policy allows reaches every host"
        return RiskAssessment(HIGH, f"{WAY_OUT} goes", why)
    more, fewer = (sorted(set(a) - set(b)) for a, b in ((now, was), (was, now)))
    said = [
        f"{word} {', '.join(hosts)}"
        for word, hosts in (("lets out to", more), ("no longer to", fewer))
        if hosts
    ]
    why = "more can be reached" if more else "traffic to them is dropped"
    return RiskAssessment(MEDIUM, f"{WAY_OUT} {'; '.join(said)}", why)


def permission(found: ComparedFact) -> RiskAssessment:
    """Assess what a workload may do in AWS."""
    was, now = found.values
    name = found.key.name
    if name == ROLE:
        names = (code(value or "the one of its own name") for value in (was, now))
        why = "pods with the old role are denied until their service account names the new role"
        return RiskAssessment(MEDIUM, f"role in AWS {' -> '.join(names)}", why)
    if now is None:
        return RiskAssessment(MEDIUM, f"may no longer {name} in AWS", "such requests are refused")
    return RiskAssessment(HIGH, f"may {name} in AWS", "wider permissions")
