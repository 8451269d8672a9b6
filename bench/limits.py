"""The worst ratios that figures may have, from limits.yaml; used by `run` for `--check`."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml
from bench.figure import Figure

FILE = Path(__file__).with_name("limits.yaml")
_HOLDS = {"<=": operator.le, ">=": operator.ge}
#: By the name of a figure: `<= 0.3`.
Limits = Mapping[str, str]


def read() -> dict[str, Limits]:
    """Return the limits of each bench file."""
    found: dict[str, Limits] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def worse(limits: Limits, figures: Sequence[Figure]) -> Iterator[str]:
    """Say of each figure that is worse than its limit what it is and may be."""
    for figure in figures:
        if limit := limits.get(figure.name):
            sign, bound = limit.split()
            if not _HOLDS[sign](figure.ratio, float(bound)):
                yield f"{figure.name}: ratio {figure.ratio:.3g}, limit {limit}"
