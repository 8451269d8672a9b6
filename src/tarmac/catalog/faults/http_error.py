"""A share of requests is answered with an error: a bad release, an overloaded or faulty service.

The wire answers in the service's place, which never sees the request: nothing of it was done.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal

from pydantic import Field

from tarmac.base.target import EdgeRule, Edges
from tarmac.catalog.faults.fault import Fault, Step, Witness, disturbed


class HttpError(Step):
    """For HTTP/1 without TLS; anything else goes on as it came."""

    fault: Literal["http-error"]
    status: int = Field(default=503, ge=400, le=599, description="The status of the answer.")
    percent: float = Field(default=100, gt=0, le=100, description="The share of requests.")


def inject(target: Edges, step: HttpError) -> AbstractContextManager[Witness]:
    """Answer them."""
    rule = EdgeRule(error_share=step.percent / 100, error_status=step.status)
    return disturbed(target, step.on, rule, "answered", "HTTP/1 traffic")


FAULT = Fault(
    id="http-error",
    title="Answer HTTP requests of an edge with an error, before the service sees them",
    step=HttpError,
    inject=inject,
    proof="The wire counts the requests that it answered.",
    needs=(Edges,),
)
