"""Objectives without a Prometheus, held against a real one that has the same readings."""

from __future__ import annotations

import contextlib
import math
import random
import subprocess
from collections.abc import Iterator

import pytest
from rendered import plan_of
from scraped import scraping

from tarmac.base.report import Skip
from tarmac.check.gates.views import programs
from tarmac.plan.slo.measured import MeasuredObjective
from tarmac.run.telemetry import objectives, storage
from tarmac.run.telemetry.sample import Reading, SeriesKey, samples_of
from tarmac.run.telemetry.samples import add, mark_read, restart
from tarmac.run.telemetry.storage import Storage

PLAN = plan_of("shop", "production")
SERVICE = "api-gateway"
#: Readings come so often, for so long.
EVERY_S, LASTS_S = 5, 20 * 60
BOUNDS = (0.1, 0.2, 0.5, math.inf)
REQUESTS, DURATION = "http_requests_total", "http_request_duration_seconds"
BEGAN_S = 1_700_000_000


class Replica:
    """A replica that serves requests, some of them badly, and begins again now and then."""

    def __init__(self, number: int, seed: int) -> None:
        self.instance = f"{SERVICE}-{number}"
        self.random = random.Random(seed + number)
        self.began_s = BEGAN_S
        self.counters: dict[SeriesKey, float] = {}

    def _count(self, name: str, more: float = 1, **labels: str) -> None:
        own = {"method": "GET", "route": "/orders", **labels}
        key = SeriesKey(name, tuple(sorted(own.items())))
        self.counters[key] = self.counters.get(key, 0) + more

    def live(self, now_s: int) -> None:
        """Serve until a moment; in the second half of the time more goes wrong."""
        if self.random.random() < 0.01:
            self.began_s, self.counters = now_s, {}
        bad_share = 0.002 if now_s < BEGAN_S + LASTS_S / 2 else 0.03
        for _ in range(self.random.randint(150, 250)):
            failed = self.random.random() < bad_share
            status = "503" if failed else "200"
            took_s = self.random.expovariate(1 / 0.06)
            self._count(REQUESTS, status=status)
            self._count(f"{DURATION}_count", status=status)
            for bound in BOUNDS:
                le = "+Inf" if bound == math.inf else repr(bound)
                self._count(f"{DURATION}_bucket", int(took_s <= bound), status=status, le=le)
        self._count(REQUESTS, status="503", route="/health/ready")
        self._count(REQUESTS, status="499")

    def reading(self, now_s: int) -> Reading:
        return Reading(SERVICE, self.instance, now_s * 1000, self.began_s, dict(self.counters), {})


def replayed(path, seed: int) -> Iterator[Reading]:
    """Let two replicas live; write each reading as the scraper would, and yield it."""
    replicas = [Replica(number, seed) for number in (1, 2)]
    before: dict[str, Reading] = {}
    with contextlib.closing(Storage(path)) as writer:
        for now_s in range(BEGAN_S + EVERY_S, BEGAN_S + LASTS_S + 1, EVERY_S):
            for replica in replicas:
                replica.live(now_s)
                reading = replica.reading(now_s)
                previous = before.get(replica.instance)

                def write(stored, reading=reading, previous=previous) -> None:
                    if previous is not None and previous.began_at != reading.began_at:
                        restart(stored, SERVICE, reading.instance)
                    add(stored, samples_of(reading, previous))
                    mark_read(stored, reading)

                writer.write(write)
                before[replica.instance] = reading
                yield reading


def open_metrics(readings: list[Reading]) -> str:
    """Write readings as promtool reads them: each metric's series together, with their times."""
    lines = []
    for name in (REQUESTS, f"{DURATION}_count", f"{DURATION}_bucket"):
        lines.append(f"# TYPE {name.removesuffix('_total')} unknown")
        for reading in readings:
            for key, value in reading.counters.items():
                if key.name == name:
                    own = {"namespace": PLAN.namespace, "service": SERVICE, **dict(key.labels)}
                    own["pod"] = reading.instance
                    labels = ",".join(f'{label}="{text}"' for label, text in own.items())
                    lines.append(f"{name}{{{labels}}} {value} {reading.at_ms / 1000}")
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The same readings in a Prometheus and in Tarmac's own file."""
    try:
        prometheus, promtool = programs.find("prometheus"), programs.find("promtool")
    except Skip as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("both")
    path = folder / "telemetry.sqlite"
    readings = list(replayed(path, seed=15))
    (folder / "readings").write_text(open_metrics(readings))
    create = [promtool, "tsdb", "create-blocks-from", "openmetrics"]
    subprocess.run(
        [*create, str(folder / "readings"), str(folder / "data")], check=True, capture_output=True
    )
    with (
        scraping(prometheus, folder, PLAN, [], {}, retention="20y") as server,
        contextlib.closing(storage.reader(path)) as stored,
    ):
        yield server, stored


@pytest.mark.parametrize("name", ["api_availability", "api_latency"])
@pytest.mark.parametrize("after_s", [400, 700, 900, 1200])
def test_both_see_the_same_share_of_good_requests(both, name, after_s):
    server, stored = both
    measured = [MeasuredObjective(wanted, PLAN.namespace) for wanted in PLAN.objectives]
    (objective,) = (found for found in measured if found.name == name)
    at_s = BEGAN_S + after_s
    ((theirs),) = server.ask(objective.good_share(300), at_s)
    counts = objectives.counting(stored, objective, at_s * 1000)(300, 0)
    assert counts.requests > 10_000
    assert 1 - counts.bad_share == pytest.approx(theirs, abs=0.001)
