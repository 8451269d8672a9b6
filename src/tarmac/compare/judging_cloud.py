"""Assessments of what Terraform makes: servers, nodes, and what holds them."""

from __future__ import annotations

from tarmac.compare.change import Risk, RiskAssessment
from tarmac.compare.facts import ComparedFact
from tarmac.compare.wording import code, text

HIGH, MEDIUM, LOW = Risk.HIGH, Risk.MEDIUM, Risk.LOW
#: What AWS makes again where it changes, by the name of the value.
REPLACED = ("project", "zones")


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
    if was is None:
        return RiskAssessment(LOW, f"{name}: {code(text(now))} will be made")
    if now is None:
        lost = name.startswith(("server", "bucket"))
        why = "its data go with it, unless a snapshot is kept" if lost else ""
        return RiskAssessment(HIGH if lost else MEDIUM, f"{name} goes (was {code(text(was))})", why)
    if name in REPLACED:
        return RiskAssessment(HIGH, what, "it is made again, and the old one destroyed")
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
    if name.endswith("class"):
        return RiskAssessment(MEDIUM, what, "the server fails over or restarts")
    if name.endswith("version"):
        why = "major version: the data must be upgraded, possibly without a way back"
        return RiskAssessment(HIGH, what, why)
    return RiskAssessment(MEDIUM, what, "nodes are replaced one after the other")
