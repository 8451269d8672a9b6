"""The contracts of extensions: all that a package of store kinds, gates or faults imports.

A package offers them by entry points, one for each constant:

- `tarmac.stores`: a `StoreKind`
- `tarmac.renderers`: a `Renderer`
- `tarmac.gates`: a `Gate`
- `tarmac.recognisers`: a `Recogniser`
- `tarmac.faults`: a `Fault`

Stability: the names in `__all__` follow semantic versioning. A minor version may add a name, a
field with a default or a member of an enumeration; what is removed, renamed or made stricter waits
for a major version (before 1.0: a minor one) and stands in CHANGELOG.md. Every other module of
Tarmac may change at any time. `docs/how-to/write-an-extension.md` is the guide,
`examples/extension/` a package that is built and installed by a test.
"""

from __future__ import annotations

from tarmac.adopt._found import Folder as RepositoryFolder
from tarmac.adopt._found import Recogniser
from tarmac.adopt._found import Service as RecognisedService
from tarmac.base.artifact import Artifact, Format
from tarmac.base.launch import (
    Command,
    ExchangeProbe,
    File,
    GrpcProbe,
    HttpProbe,
    Launch,
    PostStartSetup,
    Secret,
    Sql,
    TcpProbe,
    Text,
    text,
)
from tarmac.base.report import Finding, Level, Skip
from tarmac.base.target import (
    Edge,
    EdgeRule,
    Edges,
    Instance,
    Instances,
    InstanceTarget,
    Nodes,
    NodeTarget,
    Processes,
    Resources,
    RowComparison,
    Standby,
    StoreData,
    StoreRecovery,
    StoreReplica,
    Target,
    Throttling,
    Versions,
)
from tarmac.base.versions import Version
from tarmac.catalog.faults.fault import Fault, Sighting, Step, Witness, disturbed, edges_on
from tarmac.catalog.stores.kind import (
    Address,
    ArchiveRule,
    Binary,
    Container,
    Exporter,
    Fingerprint,
    Image,
    InstalledFolder,
    LoadFile,
    Marks,
    Module,
    Provider,
    ProviderCandidate,
    ReadRows,
    RefusedFile,
    RowReset,
    RowSnapshots,
    Script,
    Shell,
    Size,
    SqlFile,
    SqlStatistics,
    Statistic,
    StoreBackup,
    StoreContents,
    StoreContext,
    StoreKind,
    StoreMarks,
    StoreReadOnly,
    StoreReplication,
    StoreReset,
    StoreSnapshot,
    StoreStatistics,
    User,
    Wheel,
    outputs,
)
from tarmac.catalog.stores.setup.docker import in_docker
from tarmac.check.gates.gate import Gate, Scope
from tarmac.check.gates.subject import Files, Folder, Subject
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.renderer import PHASES, Renderer

__all__ = [
    "PHASES",
    "Address",
    "ArchiveRule",
    "Artifact",
    "Binary",
    "ClusterPlan",
    "Command",
    "Container",
    "Edge",
    "EdgeRule",
    "Edges",
    "ExchangeProbe",
    "Exporter",
    "Fault",
    "File",
    "Files",
    "Finding",
    "Fingerprint",
    "Folder",
    "Format",
    "Gate",
    "GrpcProbe",
    "HttpProbe",
    "Image",
    "InstalledFolder",
    "Instance",
    "InstanceTarget",
    "Instances",
    "Launch",
    "Level",
    "LoadFile",
    "Marks",
    "Module",
    "NodeTarget",
    "Nodes",
    "PostStartSetup",
    "Processes",
    "Provider",
    "ProviderCandidate",
    "ReadRows",
    "RecognisedService",
    "Recogniser",
    "RefusedFile",
    "Renderer",
    "RepositoryFolder",
    "Resources",
    "RowComparison",
    "RowReset",
    "RowSnapshots",
    "Scope",
    "Script",
    "Secret",
    "Shell",
    "Sighting",
    "Size",
    "Skip",
    "Sql",
    "SqlFile",
    "SqlStatistics",
    "Standby",
    "Statistic",
    "Step",
    "StoreBackup",
    "StoreContents",
    "StoreContext",
    "StoreData",
    "StoreKind",
    "StoreMarks",
    "StoreReadOnly",
    "StoreRecovery",
    "StoreReplica",
    "StoreReplication",
    "StoreReset",
    "StoreSnapshot",
    "StoreStatistics",
    "Subject",
    "Target",
    "TcpProbe",
    "Text",
    "Throttling",
    "User",
    "Version",
    "Versions",
    "Wheel",
    "Witness",
    "Workload",
    "disturbed",
    "edges_on",
    "in_docker",
    "outputs",
    "text",
]
