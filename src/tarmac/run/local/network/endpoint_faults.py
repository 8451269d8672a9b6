"""What a fault does to one end of a wire's connection, when it comes, goes or meets a new one.

Used by endpoint.py, in the wires' process, while a drill disturbs an edge.
"""

from __future__ import annotations

from tarmac.run.local.network.disturbance import Disturbance, Flow
from tarmac.run.local.network.http_faults import HttpFault
from tarmac.run.local.network.wire import End


def disturb(end: End, disturbance: Disturbance | None, *, opened: bool) -> None:
    """Let a fault have its way with what comes from now on; None: no more.

    Args:
        opened: the connection is a new one.
    """
    if disturbance is not None and end.target is None:
        if _is_beyond_limit(end, disturbance):
            if opened:
                disturbance.effect.refused += 1
                end.cut()
            else:
                end.reset()
            return
        if disturbance.rule.leads_to is not None and not opened:
            end.reset()
            return
        if disturbance.resets():
            if not opened:
                end.reset()
                return
            end.doomed = True
        if disturbance.reads_http and end.http is None:
            end.http = HttpFault(
                lambda: end.disturbance, lambda data, last: end.answer(data, last=last)
            )
    if disturbance is None:
        end.doomed = False
        if end.target is not None and not end.target.name:
            end.reset()
            return
    elif end.flow is None:
        end.flow = Flow(
            sent=end.target is None,
            disturbed=lambda: end.disturbance,
            hold=lambda on: end.pause("flow", on=on),
        )
    if end.flow is not None:
        end.flow.go_on()


def _is_beyond_limit(end: End, disturbance: Disturbance) -> bool:
    """Tell whether more clients are connected than a fault allows, this one included."""
    most = disturbance.rule.max_connections
    return most is not None and most < sum(
        one.target is None and not one.is_closing for one in end.wire.ends
    )
