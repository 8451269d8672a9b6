"""Which arguments AWS' provider for Terraform takes: assets/aws_arguments.xz, read once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from tarmac.base.report import Skip
from tarmac.check.gates.views.published import ASSETS


class ArgumentBody(NamedTuple):
    """What a block takes."""

    #: Whether each of its arguments is required, by its name.
    arguments: Mapping[str, bool]
    #: Whether one of each kind of block is required, and the number of its body.
    blocks: Mapping[str, tuple[bool, int]]


def version() -> str:
    """Return the provider's version."""
    return str(_read()["version"])


def body_of(kind: str, name: str) -> ArgumentBody | None:
    """Find what a `resource` or `data` source takes; None: the provider has none of that name."""
    number = _read()[kind].get(name)
    return None if number is None else body(number)


@cache
def body(number: int) -> ArgumentBody:
    """Find what a block takes, by the number of its body."""
    found: dict[str, Any] = _read()["blocks"][number]
    return ArgumentBody(
        {name: bool(one) for name, one in found.items() if isinstance(one, int)},
        {name: (bool(one[0]), one[1]) for name, one in found.items() if isinstance(one, list)},
    )


@cache
def _read() -> dict[str, Any]:
    try:
        import lzma  # noqa: PLC0415 - a Python that was built without it still does all else
    except ImportError:
        raise Skip("this Python was built without lzma; use another Python") from None
    found: dict[str, Any] = json.loads(lzma.decompress((ASSETS / "aws_arguments.xz").read_bytes()))
    return found
