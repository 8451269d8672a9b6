"""A system as the crash tests host it: its services, bound as its file says, and its invariants.

A test file in tests/crash names a system, the services that its journeys go through, what makes
them quick, and the journeys; see tests/crash/test_shop.py.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tarmac.model.loader import load
from tarmac.model.system import System
from tarmac.run.local.stores.invariants import evaluate
from tarmac_kit import serve
from tarmac_kit_testing import CrashReport, HostedService, Journey, World

ROOT = Path(__file__).parents[2]
#: Every step is tried, and not only so many of each service and journey.
ALL = bool(os.environ.get("TARMAC_CRASH_ALL"))
MOST = None if ALL else int(os.environ.get("TARMAC_CRASH_MOST", "12"))


@dataclass(frozen=True)
class Crashed:
    """A system, and what of it is crashed."""

    #: Its folder in systems/.
    name: str
    #: The services that run; calls to others are refused.
    services: Sequence[str]
    #: Variable -> value, for all of them: what makes sweeps quick.
    env: Mapping[str, str] = field(default_factory=dict)
    #: Invariant -> what its violation means: lost, doubled, oversold.
    kinds: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> System:
        """Read its file."""
        file = ROOT / f"systems/{self.name}/tarmac.yaml"
        return load(str(file), lambda path: Path(path).read_bytes())

    def hosted(self, prepare: Callable[[], None] = lambda: None, **env: str) -> list[HostedService]:
        """Bind the services.

        Args:
            prepare: puts a fault into each of them.
            env: more variables for all of them: the addresses of what a test brings itself.
        """
        system = self.load()
        made = [self._hosted(system, name) for name in self.services]
        given = {name.upper(): value for name, value in env.items()}
        return [replace(service, env={**service.env, **given}, prepare=prepare) for service in made]

    def _hosted(self, system: System, name: str) -> HostedService:
        service, parts = system.file.services[name], [part.part for part in system.parts[name]]
        slots = {slot: spec for part in parts for slot, spec in part.slots.items()}
        bound = {slots[slot].env: store for slot, store in service.stores.items() if slot in slots}
        kinds = {spec.env: spec.kind for spec in slots.values()}
        # Documents too: a PostgreSQL stands in for a MongoDB.
        held = ("postgres", "mongodb")
        databases = {env: store for env, store in bound.items() if kinds[env] in held}
        seeds = [system.file.stores[store].seed for store in databases.values()]
        own = {**system.file.env, **service.env}
        return HostedService(
            name,
            [serve.load(part.package) for part in parts if part.package],
            env={key: str(value) for key, value in own.items() if "${" not in str(value)}
            | dict(self.env),
            databases=databases,
            seed="".join(
                (ROOT / "systems" / self.name / seed).read_text() for seed in seeds if seed
            ),
            calls={role: other for other in service.calls for role in system.roles(other)},
            publishes=service.publishes,
            consumes=service.consumes,
        )

    def journey(self, journey: Journey) -> Journey:
        """Hold the system's invariants, of the stores that are there, at the journey's end too."""
        invariants = self.load().file.invariants

        async def check(world: World, result: Any) -> list[str]:
            asked = {n: i for n, i in invariants.items() if {*i.queries} <= {*world.databases}}
            assert asked
            urls = {name: database.url for name, database in world.databases.items()}
            wrong = [
                f"{self.kinds.get(verdict.name, 'wrong')}: {verdict.name}: "
                f"{verdict.error or ', '.join(map(str, verdict.wrong[:3]))}"
                for verdict in await evaluate(asked, urls)
                if not verdict.holds
            ]
            return [*wrong, *await journey.check(world, result)]

        return replace(journey, check=check)

    async def crash(
        self,
        world: World,
        journey: Journey,
        *services: str,
        only: str = "",
        starting: bool = False,
    ) -> list[CrashReport]:
        """Crash each of the services, or these, at its steps of one journey; print what came of it.

        Args:
            only: a regular expression: all the steps that it fits, and no others.
            starting: at the steps of their start on an empty database, half as many.
        """
        held = self.journey(journey)
        most = None if only or MOST is None else MOST // 2 if starting else MOST
        reports = [
            await world.crash_everywhere(name, held, most=most, only=only, starting=starting)
            for name in services or self.services
        ]
        print()
        for report in reports:
            print(report)
        said = " ".join(f"{kind} {count}" for kind, count in kinds_of(reports).items())
        steps, crashes = sum(r.steps for r in reports), sum(r.crashes for r in reports)
        print(f"{self.name}: {journey.name}: N={steps}, {crashes} crashes, {said}")
        return reports


def kinds_of(reports: Sequence[CrashReport]) -> Counter[str]:
    """Count what was lost, doubled and oversold; everything else is `wrong`."""
    found = Counter({"lost": 0, "doubled": 0, "oversold": 0})
    for report in reports:
        for finding in report.findings:
            # Who waits in vain for the end has lost what they asked for.
            said = {
                "lost" if "TimeoutError" in sentence else sentence.partition(":")[0]
                for sentence in finding.wrong
            } & {*found}
            found.update(said or {"wrong"})
    return found
