"""A tenth of the table of verdicts, run; and that the table as a whole is one.

`python tests/support/verdict_cells.py` measures all of it, by hand.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from verdict_cells import AT_ONCE, DRILLS, SOUND, TABLE, VARIANTS, Cell, Measured, cells, measure

#: One kind of trouble each, and a sound shop beside a broken one.
CHOSEN = (
    Cell("", "payments away"),
    Cell("no outbox", "payments away"),
    Cell("no inbox", "payments answer late"),
    Cell("raced stock", "database slow in a rush"),
    Cell("health that lies", "orders replaced"),
)


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[Cell, Measured]:
    """Measure them side by side: a drill waits most of the time."""
    folders = [tmp_path_factory.mktemp("cell") for _ in CHOSEN]
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(AT_ONCE) as pool:
        patch.setenv("TARMAC_TELEMETRY", "0")
        return dict(zip(CHOSEN, pool.map(measure, CHOSEN, folders), strict=True))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("cell", CHOSEN, ids=lambda cell: f"{cell.variant or SOUND}-{cell.drill}")
def test_a_drill_finds_what_is_broken_and_nothing_else(found, cell):
    assert found[cell].verdict == cell.expected, found[cell]


def test_every_variant_is_found_by_a_drill_that_a_sound_shop_passes():
    for variant in VARIANTS:
        finds = TABLE["found_by"][variant]
        assert bool(finds) == bool(variant)
        assert {Cell("", drill).expected for drill in finds} <= {"PASS"}


def test_the_table_has_forty_cells_and_all_three_verdicts():
    verdicts = [cell.expected for cell in cells()]
    assert len(verdicts) >= 40
    assert set(verdicts) == {"PASS", "FAIL", "INVALID"}
    assert len(verdicts) >= len(VARIANTS) * len(DRILLS) - 1
