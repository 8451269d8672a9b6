"""What a change of an environment costs a month, as one more change."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.change.compare.change import Change, Risk, RiskAssessment
from tarmac.change.compare.facts import Side

#: Of what it costs now: more than this is read before it is merged.
MUCH = 0.1


def cost(
    before: Side | None, after: Side | None, was: float | None, now: float | None
) -> Iterator[Change]:
    """Yield the difference of what is paid.

    Args:
        was: USD a month; None: not known, and so nothing is said.
    """
    side = after or before
    if side is None or was is None or now is None or round(was) == round(now):
        return
    old, new = round(was), round(now)
    more = new - old
    share = f", {abs(more) / old:.0%}" if old and new else ""
    told = RiskAssessment(
        Risk.MEDIUM if more > MUCH * old else Risk.LOW,
        f"cost {old} -> {new} USD a month ({more:+d}{share})",
        "an estimate by `tarmac cost`, without traffic and requests",
    )
    yield Change(
        told=told,
        what="cost",
        verb="changed" if old and new else "added" if new else "removed",
        system=side.system.name,
        subjects=(side.system.name,),
        environments=(side.plan.environment,),
        old=str(old) if old else None,
        new=str(new) if new else None,
        places=(side.place("infrastructure"),) if after else (),
    )
