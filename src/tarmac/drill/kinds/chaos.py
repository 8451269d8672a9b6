"""The drill `chaos`: apply load, inject the faults of its method, each at its time."""

from __future__ import annotations

from tarmac.drill.drill import Drill
from tarmac.drill.running import under_load

DRILL = Drill(
    id="chaos",
    title="Faults under load",
    rules=(under_load.INVALID_RULE, under_load.FAIL_RULE),
    run=under_load.run,
)
