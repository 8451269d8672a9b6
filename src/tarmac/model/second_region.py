"""The environment of a second region: what it has of the first one's, and what is its own."""

from __future__ import annotations

from collections.abc import Mapping

from tarmac.base.errors import did_you_mean
from tarmac.model.environment import Environment
from tarmac.model.infrastructure import Infrastructure, Standby


def with_second_regions(environments: Mapping[str, Environment]) -> dict[str, Environment]:
    """Complete each environment that stands by for another one; leave what cannot."""
    return {
        name: completed(given, environments[given.standby_of])
        if given.standby_of and not first_problem(given.standby_of, environments)
        else given
        for name, given in environments.items()
    }


def first_problem(first: str, environments: Mapping[str, Environment]) -> str:
    """Say why no environment can stand by for this one; empty: one can."""
    found = environments.get(first)
    if found is None:
        return f"environment '{first}' does not exist; {did_you_mean(first, environments)}"
    if found.standby_of == first:
        return f"'{first}' cannot stand by for itself; name the first region's environment"
    if found.standby_of:
        return f"'{first}' stands by for '{found.standby_of}'; name that one"
    if found.infrastructure is None or found.infrastructure.standby is None:
        what = f"'{first}' has no second region"
        return f"{what}; write `infrastructure: {{standby: {{region: ...}}}}` there"
    return ""


def completed(given: Environment, first: Environment) -> Environment:
    """Return the environment as it is; its own keys are in the place of the first one's."""
    wanted = first.infrastructure
    standby = wanted.standby if wanted else None
    if wanted is None or standby is None:
        return given
    registry, gitops = first.registry, first.gitops
    if registry and first.region:
        registry = registry.replace(f".ecr.{first.region}.", f".ecr.{standby.region}.")
    if gitops:
        gitops = gitops.model_copy(update={"path": None})
    return first.model_copy(
        update={
            "region": standby.region,
            "network": standby.network,
            "registry": registry,
            "infrastructure": _turned(first, wanted, standby),
            "gitops": gitops,
            # What runs there was approved for the first region.
            "approval": False,
            "checklist": False,
            **{name: getattr(given, name) for name in given.model_fields_set},
        }
    )


def _turned(first: Environment, wanted: Infrastructure, standby: Standby) -> Infrastructure:
    """Exchange the two regions of what is asked for; the first alone has Karpenter and claims."""
    balancer = wanted.dns.balancer if wanted.dns else None
    here = {"network": first.network, "zones": wanted.zones, "balancer": balancer}
    return wanted.model_copy(
        update={
            "standby": standby.model_copy(update={"region": first.region, **here}),
            "zones": standby.zones,
            "node_pools": {},
            "claims": None,
            "dns": wanted.dns and wanted.dns.model_copy(update={"balancer": standby.balancer}),
        }
    )
