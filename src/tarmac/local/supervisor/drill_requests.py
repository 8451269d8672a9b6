"""Everything that one drill may do to a running system; used by the control socket."""

from __future__ import annotations

from tarmac.local.supervisor.cpu_limits import CpuLimits
from tarmac.local.supervisor.disturbances import Disturbances
from tarmac.local.supervisor.notes import Notes
from tarmac.local.supervisor.read_only_stores import ReadOnlyStores
from tarmac.local.supervisor.recoveries import Recoveries
from tarmac.local.supervisor.replications import Replications
from tarmac.local.supervisor.store_servers import StoreServers
from tarmac.local.supervisor.supervisor import Supervisor
from tarmac.local.supervisor.temporary_options import TemporaryOptions


def drill_requests(supervisor: Supervisor) -> Disturbances:
    """Answer one drill's requests, and undo what it did when its connection ends."""
    processes, wiring = supervisor.processes, supervisor.wiring
    servers = StoreServers(supervisor, processes, supervisor.spawner)
    stores = (Recoveries(servers), Replications(servers), ReadOnlyStores(servers))
    options, notes = TemporaryOptions(supervisor, wiring), Notes(supervisor.state)
    return Disturbances(processes, wiring, (*stores, options, CpuLimits(processes), notes))
