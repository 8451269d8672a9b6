"""Docker Compose: a system on one machine, for development and as a staging profile.

Three files: `compose.yaml` has what both share, `compose.override.yaml` is merged in by itself and
makes it a developer's, `compose.prod.yaml` is given by name. No value of a secret is in any.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan, OneTimeTask, Workload
from tarmac.render.compose.parts import services as c
from tarmac.render.compose.parts import values
from tarmac.render.compose.parts.hooks import hooks
from tarmac.render.compose.parts.modes import development, staging
from tarmac.render.compose.parts.order import Order, order
from tarmac.render.compose.parts.secret_script import script
from tarmac.render.renderer import Renderer

START = (
    "Once: ./secrets.sh. Then: docker compose up --detach --wait",
    "Step by step: COMPOSE_PROFILES= docker compose up --detach   starts the stores alone,",
    "docker compose --profile SERVICE up --detach   one service and all that it needs.",
    "A network for each target of an edge: what the model declares no edge to cannot be found.",
)


def _service(plan: ClusterPlan, workload: Workload, among: Order) -> dict[str, Any]:
    ends = {"stop_grace_period": f"{workload.grace_s:g}s"}
    ends |= {} if workload.stop_signal == "SIGTERM" else {"stop_signal": workload.stop_signal}
    ends |= hooks(workload)
    found: dict[str, Any] = {"image": workload.image}
    if workload.role == "service":
        found |= {"profiles": among.profiles(workload.name), "read_only": True}
        written = ("/tmp", *workload.scratch)  # noqa: S108 - in the container
        found |= {"tmpfs": [f"{path}:mode=1777,size=64m" for path in written]}
    if workload.argv:
        found["command"] = [word.replace("$", "$$") for word in workload.argv]
    found |= {
        "user": f"{workload.user}:{workload.user}",
        "environment": values.environment(plan, workload),
    }
    sealed = values.sealed(workload)
    if sealed:
        found["secrets"] = values.mounts(workload.name, sealed)
    if plain := [file for file in workload.files if file not in sealed]:
        found["configs"] = values.mounts(workload.name, plain)
    if workload.volumes:
        found["volumes"] = [f"{c.volume(workload, n)}:{p}" for n, p in workload.volumes.items()]
    first = c.depends(plan, among.after[workload.name])
    if workload.volumes:
        first[c.OWNER] = {"condition": "service_completed_successfully"}
    if first:
        found["depends_on"] = first
    networks = {"networks": list(among.networks[workload.name])}
    return found | c.check(workload) | networks | ends | c.SECURITY


def _once(plan: ClusterPlan, workload: Workload, once: OneTimeTask, among: Order) -> dict[str, Any]:
    name = c.setup(workload, once)
    return {
        "image": workload.image,
        "profiles": among.setup_profiles(workload.name),
        "entrypoint": [word.replace("$", "$$") for word in once.argv],
        "command": [],
        "user": f"{workload.user}:{workload.user}",
        "environment": values.env(once.env),
        "configs": values.mounts(name, once.files),
        "depends_on": {workload.name: c.depends(plan, [workload.name])[workload.name]},
        "networks": list(among.networks[workload.name]),
        # Where the server cannot be asked whether it serves, this is: again until it does.
        "restart": "no" if c.check(workload) else "on-failure:60",
        **c.SECURITY,
    }


def base(plan: ClusterPlan) -> Artifact:
    """Make what development and the staging profile share."""
    among = order(plan)
    services: dict[str, Any] = {}
    configs: dict[str, Any] = {}
    secrets: dict[str, Any] = {}
    keeping = [workload for workload in plan.workloads if workload.volumes]
    if keeping:
        services[c.OWNER] = c.owner(keeping)
    for workload in plan.workloads:
        services[workload.name] = _service(plan, workload, among)
        sealed = values.sealed(workload)
        secrets |= values.secrets(workload)
        plain = [file for file in workload.files if file not in sealed]
        configs |= values.configs(workload.name, plain)
        for once in workload.once:
            if workload.role != "service" and not once.schedule:
                name = c.setup(workload, once)
                services[name] = _once(plan, workload, once, among)
                configs |= values.configs(name, once.files)
    content: dict[str, Any] = {"name": plan.system, "services": services}
    if configs:
        content["configs"] = configs
    if secrets:
        content["secrets"] = secrets
    if keeping:
        content["volumes"] = {c.volume(w, name): {} for w in keeping for name in w.volumes}
    used = {name for network in among.networks.values() for name in network}
    content["networks"] = {name: {} for name in sorted(used)}
    return Artifact(f"{values.FOLDER}/compose.yaml", content, place=plan.model, notes=START)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the three files, the script and what git is to leave alone."""
    yield base(plan)
    yield development(plan)
    yield staging(plan)
    yield script(plan)
    yield Artifact(
        f"{values.FOLDER}/.gitignore",
        f".env\n{values.SECRETS}/\n" if any(map(values.sealed, plan.workloads)) else ".env\n",
        place=plan.model,
    )


RENDERER = Renderer(
    id="compose",
    phase="containers",
    title="Docker Compose: base, development, a staging profile, and a script for secrets",
    render=render,
    targets=("compose",),
)
