"""Refuses parameters in the query that a route does not have; every router is asked, by `Chassis`.

`?offset=-1` on a list with cursors would be the first page again and again. Routes without any
parameter, and pages, take whatever a link carries.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, APIRouter
from pydantic import BaseModel

from tarmac_kit.problems import MOST_ERRORS

#: The attribute of a route that keeps its names: a route has no hash.
_KEPT = "_parameters_taken"


def has_parameters(router: APIRouter) -> bool:
    """Tell whether a router has a route that refuses some parameters."""
    return any(isinstance(route, APIRoute) and taken(route) for route in router.routes)


async def refuse_unknown(request: Request) -> None:
    """Refuse a request whose query has a parameter that its route does not take: 422."""
    if not request.scope["query_string"]:
        return
    route = request.scope.get("route")
    known = taken(route) if isinstance(route, APIRoute) else frozenset()
    unknown = [name for name in request.query_params if name not in known] if known else []
    if unknown:
        what = f"unknown parameter; known: {', '.join(sorted(known))}"
        errors = [
            {"type": "extra_forbidden", "loc": ("query", name), "msg": what}
            for name in unknown[: MOST_ERRORS + 1]
        ]
        raise RequestValidationError(errors)


def taken(route: APIRoute) -> frozenset[str]:
    """List the parameters that a route takes; none for a page, or where it takes any itself."""
    kept: dict[str, frozenset[str]] = vars(route)
    if _KEPT not in kept:
        names = frozenset(_names(route.dependant)) if route.include_in_schema else frozenset()
        kept[_KEPT] = frozenset() if "" in names else names
    return kept[_KEPT]


def _names(dependant: Dependant) -> Iterator[str]:
    """Yield the names of a route and its dependencies; "" where a model of its own takes others."""
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (part.alias or name for name, part in model.model_fields.items())
            if model.model_config.get("extra") == "allow":
                yield ""
        else:
            yield field.alias
    for inner in dependant.dependencies:
        yield from _names(inner)
