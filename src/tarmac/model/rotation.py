"""How a secret is rotated: in what time, and by which variable its second value is accepted."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from tarmac.model.value import Duration, EnvName, StrictModel

#: Shorter ones are over before every reader has looked: External Secrets looks once an hour.
SHORTEST_S = 3600.0


def _long_enough(seconds: float) -> float:
    if seconds < SHORTEST_S:
        raise ValueError("is shorter than an hour; write e.g. 30d")
    return seconds


class Rotation(StrictModel):
    """What a secret says of its rotation."""

    rotate: Annotated[Duration, AfterValidator(_long_enough)] | None = Field(
        default=None,
        description="How long a value is used in real environments before the next one.",
    )
    also: EnvName | None = Field(
        default=None,
        description="A variable with a second value that the program accepts, and never makes "
        "anything with: during a rotation the next value, then the previous one; otherwise a "
        "random one.",
    )
