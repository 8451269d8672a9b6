"""The wires of `up --mtls`: two processes, and mutual TLS between a caller's end and a callee's.

Used by the supervisor in the place of a `Wiring` alone. The first process has the callers' ends: it
counts, balances and disturbs as always, shows the certificate of the caller, and takes that of the
callee alone; a process of another service may not use it (owners.py). The second has an end before
each instance, which takes the certificates of declared callers and leads to the instance's own
port. So the bytes of each edge are encrypted and both of its ends are identified, in whatever
language they are written. Certificates are replaced at half their life, without a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import traceback
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tarmac.base.target import WORLD
from tarmac.plan.plan import EdgeProxy
from tarmac.run.local.network import wiring
from tarmac.run.local.network.identities import Identities
from tarmac.run.local.network.tls import CALLEE, CALLER
from tarmac.run.local.network.wiring import LOG, Counts, Wiring
from tarmac.run.local.process.table import Instance

if TYPE_CHECKING:
    from tarmac.base.target import EdgeRule
    from tarmac.run.local.host.sockets import Reservations
    from tarmac.run.local.process.spawn import Spawner
    from tarmac.run.local.state.paths import Home
    from tarmac.run.local.state.state import StateFile

NAME = "callees' wires"
#: How often to look which certificates are due, and which ends nothing uses any more.
CHECK_S = 1.0


class MutualTls:
    """The wires of one system, with TLS between their two ends."""

    def __init__(
        self,
        callers: Wiring,
        callees: Wiring,
        identities: Identities,
        reservations: Reservations,
        state: StateFile,
    ) -> None:
        self._callers = callers
        self._callees = callees
        self._identities = identities
        self._reservations = reservations
        self._state = state
        #: The end before each instance's port, by the instance's name and that port.
        self._ends: dict[tuple[str, int], EdgeProxy] = {}
        #: The service of each end, by its id.
        self._services: dict[str, str] = {}
        #: Which services may use each end.
        self._users: dict[tuple[str, int], set[str]] = {}
        #: Ends whose instance drains, or has ended; since when.
        self._leaving: dict[tuple[str, int], float] = {}
        #: What ends that are gone had counted: by service, then by identity.
        self._gone: dict[str, dict[str, Counter[str]]] = {}
        self._pointing = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Start both processes before there is a wire."""
        await asyncio.gather(self._callers.begin(), self._callees.begin())

    async def apply(self, wanted: Iterable[EdgeProxy]) -> None:
        """Listen for the wanted wires and no others, each with the identity of its caller."""
        wires = [wire for wire in wanted if wire.listen]
        self._identities.hand_out({name for wire in wires for name in (wire.source, wire.target)})
        users: dict[str, list[str]] = {}
        for wire in wires:
            users.setdefault(wire.target, []).append(wire.source)
        await self._callers.secure(
            {
                wire.id: self._settings(
                    CALLER,
                    wire.source,
                    (wire.target,),
                    users[wire.target] if wire.source == WORLD else (wire.source,),
                )
                for wire in wires
            }
        )
        await self._callers.apply(wires)
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())

    async def point(self, targets: Mapping[EdgeProxy, tuple[Instance, ...]]) -> None:
        """Say which instances each wire may connect to now: by the ends before them."""
        async with self._pointing:
            users: dict[tuple[str, int], set[str]] = {}
            behind: dict[tuple[str, int], tuple[str, Instance]] = {}
            for wire, instances in targets.items():
                for instance in instances if wire.listen else ():
                    key = (instance.name, instance.port)
                    users.setdefault(key, set()).add(wire.source)
                    behind[key] = (wire.target, instance)
            now = asyncio.get_running_loop().time()
            left = self._ends.keys() - users
            self._leaving = {key: self._leaving.get(key, now) for key in left}
            # Of one that is left: a caller may be about to connect there.
            self._users = {key: self._users[key] for key in left} | users
            for key in users.keys() - self._ends:
                name, port = key
                self._ends[key] = EdgeProxy("", name, str(port), self._reservations.take_any())
                self._services[self._ends[key].id] = behind[key][0]
            await self._apply_ends()
            await self._callees.point({self._ends[key]: (one,) for key, (_, one) in behind.items()})
            pids: dict[str, list[int]] = {}
            for service, pid in self._state.pids():
                pids.setdefault(self._identities.id_of(service), []).append(pid)
            await self._callers.own(pids)
            await self._callees.settle()  # a caller finds its callee's end there
            await self._callers.point(
                {wire: tuple(map(self._before, found)) for wire, found in targets.items()}
            )

    def _before(self, instance: Instance) -> Instance:
        """Return where a caller's end connects to for an instance."""
        end = self._ends.get((instance.name, instance.port))
        return instance if end is None else instance._replace(port=end.listen)

    async def _apply_ends(self) -> None:
        await self._callees.secure(
            {
                end.id: self._settings(CALLEE, self._services[end.id], self._users[key])
                for key, end in self._ends.items()
            }
        )
        await self._callees.apply(self._ends.values())

    def _settings(
        self, side: str, own: str, peers: Iterable[str], users: Iterable[str] = ()
    ) -> dict[str, Any]:
        return {
            "side": side,
            "certificate": str(self._identities.file_of(own)),
            "authority": str(self._identities.authority),
            "peers": sorted(map(self._identities.id_of, peers)),
            "users": sorted(map(self._identities.id_of, users)),
        }

    async def inspect(self, *, on: bool) -> None:
        """Count requests at the callers' ends, or no more."""
        await self._callers.inspect(on=on)

    async def disturb(self, wire: str, rule: EdgeRule | None) -> None:
        """Disturb a wire at its caller's end from now on; None ends the disturbance."""
        await self._callers.disturb(wire, rule)

    async def split(
        self, wire: str, names: Iterable[str], share: float, rule: EdgeRule | None
    ) -> None:
        """Route a share of a wire's requests to these instances only."""
        await self._callers.split(wire, names, share, rule)

    async def settle(self) -> None:
        """Return once the callers' ends do what they were told."""
        await self._callers.settle()

    async def counts(self) -> Counts:
        """Ask what went over each wire, and which identities its two ends have met.

        `tls` of a row has how many connections the callee admitted from this caller (`identified`),
        and how many processes of other services were refused at the wire, by identity. Its `ends`
        are those of the callee, the same for all of its wires: where they listen, and which
        identities they refused; the empty one stands for a client without a certificate of ours.
        """
        rows, ends = await asyncio.gather(self._callers.counts(), self._callees.counts())
        met = copy.deepcopy(self._gone)
        for name, row in ends.items():
            if name in self._services:
                _add(met.setdefault(self._services[name], {}), row)
        for name, row in rows.items():
            source, _, target = name.partition("->")
            target = target.partition(":")[0]
            found = met.get(target, {})
            del row["admitted"]  # of the caller's own end, which takes one callee
            row["tls"] = {
                "identified": found.get("admitted", Counter())[self._identities.id_of(source)],
                "refused": row.pop("refused"),
                "ends": {
                    "ports": sorted(
                        end.listen
                        for end in self._ends.values()
                        if self._services[end.id] == target
                    ),
                    "refused": dict(found.get("refused", {})),
                },
            }
        return rows

    async def _keep(self) -> None:
        """Renew certificates, and take ends away that no connection needs any more."""
        while True:
            await asyncio.sleep(CHECK_S)
            try:
                if self._identities.renew():
                    await asyncio.gather(self._callers.renew(), self._callees.renew())
                if self._leaving:
                    await self._take_away()
            except OSError as error:  # certificates have half their life left
                print(f"certificates are not renewed yet: {error}", flush=True)
            except Exception:  # noqa: BLE001 - without this loop, no connection begins after a while
                traceback.print_exc()  # into the supervisor's own log

    async def _take_away(self) -> None:
        async with self._pointing:
            counted = await self._callees.counts()
            before = asyncio.get_running_loop().time() - CHECK_S
            for key in [key for key, since in self._leaving.items() if since < before]:
                row = counted.get(self._ends[key].id)
                if row is not None and not row["open"]:
                    name = self._ends.pop(key).id
                    _add(self._gone.setdefault(self._services.pop(name), {}), row)
                    del self._leaving[key], self._users[key]
            await self._apply_ends()

    async def close(self) -> None:
        """End the processes and let go of the ports."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
            self._keeper = None
        with contextlib.suppress(OSError):
            self._identities.end()
        await asyncio.gather(self._callers.close(), self._callees.close())


def begun(spawner: Spawner, home: Home, reservations: Reservations, state: StateFile) -> MutualTls:
    """Make an authority, and what starts the two processes. Raises OSError."""
    identities = Identities(home.identities)
    identities.begin(home.root.name)
    callers, callees = (
        Wiring(spawner, home.logs / LOG, reservations, n) for n in (wiring.NAME, NAME)
    )
    return MutualTls(callers, callees, identities, reservations, state)


def _add(met: dict[str, Counter[str]], row: Mapping[str, Any]) -> None:
    for kind in ("admitted", "refused"):
        met.setdefault(kind, Counter()).update(row.get(kind, {}))
