"""Reads the metrics of instances elsewhere while they are observed, as the telemetry does here.

Used by drills and by `tarmac objectives` in a cluster and with Compose.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tarmac.base.errors import TarmacError
from tarmac.plan import scrape
from tarmac.plan.scrape import ScrapeTarget
from tarmac.run.local.state.files import write_atomically
from tarmac.run.telemetry import samples
from tarmac.run.telemetry.scraper import Scraper
from tarmac.run.telemetry.storage import Storage

#: What an instance has counted since its last reading is lost with it.
EVERY_S = 2.0

FindTargets = Callable[[], Sequence[ScrapeTarget]]


@dataclass
class ScrapedInstances:
    """The instances that are read; `follow` keeps them true."""

    find: FindTargets
    storage: Storage
    #: The file that the scraper reads.
    targets: Path
    _known: dict[str, ScrapeTarget] = field(default_factory=dict)

    def follow(self) -> None:
        """Read those that are new, and forget those that are gone."""
        found = {target.instance: target for target in self.find()}
        for name, gone in self._known.items():
            if name not in found:
                forgets = functools.partial(samples.forget, service=gone.service, instance=name)
                self.storage.write(forgets)
        self._known = found
        write_atomically(self.targets, scrape.as_text(found.values()))


@contextlib.contextmanager
def scraping(find: FindTargets | None) -> Iterator[Path]:
    """Scrape instances until the end; return the telemetry file.

    Args:
        find: lists those that are there; it is asked again and again, in a thread of its own.
            None: there are none.
    """
    with tempfile.TemporaryDirectory(prefix="tarmac-metrics-") as folder:
        path, ended = Path(folder) / "telemetry.db", threading.Event()
        storage = Storage(path)
        if find is None:
            storage.close()
            yield path
            return
        instances = ScrapedInstances(find, storage, Path(folder) / "targets.json")
        reader = threading.Thread(target=lambda: asyncio.run(_read(instances, ended)))
        reader.start()
        try:
            yield path
        finally:
            ended.set()
            reader.join()
            storage.close()


async def _read(instances: ScrapedInstances, ended: threading.Event) -> None:
    scraper = Scraper(instances.storage, instances.targets, every_s=EVERY_S)
    scraping = asyncio.create_task(scraper.run())
    while not ended.is_set():
        with contextlib.suppress(TarmacError):  # what runs it may be what is disturbed
            await asyncio.to_thread(instances.follow)
        await asyncio.to_thread(ended.wait, EVERY_S)
    scraping.cancel()
    await asyncio.wait([scraping])
