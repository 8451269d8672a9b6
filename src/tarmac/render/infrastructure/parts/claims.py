"""The kind of a database that developers claim, and a claim of it.

Crossplane 2 has no claims apart: what a developer writes into a namespace is the resource itself,
so `Database` stands where the roadmap has `XDatabase` and its claim.
"""

from __future__ import annotations

from typing import Any

from tarmac.model.infrastructure import Claims
from tarmac.plan.cluster import ClusterPlan

VERSION = "v1alpha1"
POSTGRESQL = "postgresql"
KIND = "Database"


def group(plan: ClusterPlan) -> str:
    """Return the API group of the platform's own kinds."""
    return f"platform.{plan.domain}"


def definition(plan: ClusterPlan, offered: Claims) -> dict[str, Any]:
    """Return the definition of the kind: which sizes and engines a claim may name."""
    parameters = {
        "size": {"type": "string", "enum": list(offered.sizes)},
        "engine": {"type": "string", "enum": [POSTGRESQL], "default": POSTGRESQL},
    }
    spec = {
        "type": "object",
        "required": ["parameters"],
        "properties": {
            "parameters": {"type": "object", "required": ["size"], "properties": parameters}
        },
    }
    schema = {"type": "object", "required": ["spec"], "properties": {"spec": spec}}
    version = {"name": VERSION, "served": True, "referenceable": True}
    return {
        "apiVersion": "apiextensions.crossplane.io/v2",
        "kind": "CompositeResourceDefinition",
        "metadata": {"name": f"databases.{group(plan)}"},
        "spec": {
            "scope": "Namespaced",
            "group": group(plan),
            "names": {"kind": KIND, "plural": "databases"},
            "defaultCompositionRef": {"name": f"database-{POSTGRESQL}"},
            "versions": [{**version, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def claim(plan: ClusterPlan, name: str, size: str) -> dict[str, Any]:
    """Return what a developer asks for, in the services' namespace."""
    return {
        "apiVersion": f"{group(plan)}/{VERSION}",
        "kind": KIND,
        "metadata": {"name": name, "namespace": plan.namespace},
        "spec": {"parameters": {"size": size, "engine": POSTGRESQL}},
    }
