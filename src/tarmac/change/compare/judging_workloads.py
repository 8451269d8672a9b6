"""Assessments of workloads: one small function for each kind of fact.

Each sees both sides and answers with a risk, the fact and what can come of it. HIGH is what a
reviewer must look at: more can reach something, less of it is left, or data may go.
"""

from __future__ import annotations

from tarmac.base.launch import is_secret
from tarmac.change.compare.change import Risk, RiskAssessment
from tarmac.change.compare.facts import ComparedFact, Side
from tarmac.change.compare.wording import amount, code, listed, moved, text
from tarmac.plan.cluster import Scale, Workload

HIGH, MEDIUM, LOW = Risk.HIGH, Risk.MEDIUM, Risk.LOW


def service(found: ComparedFact) -> RiskAssessment:
    """Assess a new or removed service, with all that belongs to it."""
    if found.verb == "removed":
        callers = [e.source for e in found.before.plan.allowed if e.target == found.key.subject]
        used = f"; {listed(sorted(set(callers) - {'world'}))} used it" if callers else ""
        return RiskAssessment(HIGH, "removed", f"its functions end{used}")
    return RiskAssessment(
        MEDIUM,
        f"new service: {described(found.after, found.after.plan.workload(found.key.subject))}",
    )


def described(side: Side, workload: Workload) -> str:
    """Say in one line what a workload is and its dependencies."""
    ports = [f"{name} {number}" for name, number in workload.ports.items()]
    allowed = side.plan.allowed
    said = [f"port {listed(ports)}"] if ports else ["no port"]
    uses = sorted(
        {connection.target for connection in allowed if connection.source == workload.name}
    )
    users = sorted(
        {connection.source for connection in allowed if connection.target == workload.name}
        - {"world"}
    )
    said += [f"uses {listed(uses)}"] if uses else []
    said += [f"used by {listed(users)}"] if users else []
    return "; ".join(said)


def route(found: ComparedFact) -> RiskAssessment:
    """Assess a public address: a host and a path."""
    was, now = found.values
    path = found.key.name
    if was is None:
        at = (code(f"https://{now[0]}{path}"),)
        return RiskAssessment(HIGH, "now public at", "reachable from the internet", at)
    if now is None:
        at = (code(f"https://{was[0]}{path}"),)
        return RiskAssessment(MEDIUM, "no longer public at", "remaining callers get an error", at)
    if was[0] == now[0]:
        return RiskAssessment(
            MEDIUM, f"public at port {was[1]} -> {now[1]}", "a different part of it answers"
        )
    why = "DNS and the certificate must cover it; callers of the old address get an error"
    return RiskAssessment(HIGH, "public host", why, (f"{code(was[0])} -> {code(now[0])}",))


def edge(found: ComparedFact) -> RiskAssessment:
    """Assess an allowed connection."""
    was, now = found.values
    role, ports = now or was
    source, on = found.key.name, f"port {listed(ports)}" if any(ports) else "any port"
    if was is not None and now is not None:
        wider = bool(set(ports) - set(was[1]))
        what = f"{code(source)} may reach it on port {listed(was[1])} -> {listed(ports)}"
        return RiskAssessment(HIGH if wider else LOW, what, "wider network reach" if wider else "")
    if was is not None:
        return RiskAssessment(LOW, f"may no longer be {_used(role)} by {code(source)}", "")
    what = f"may now be {_used(role)} by {code(source)} (new edge, {on})"
    why = (
        "one more service that can read and change its data" if role in ("store", "managed") else ""
    )
    return RiskAssessment(HIGH, what, why or "wider network reach")


def _used(role: str) -> str:
    return "called" if role == "service" else "used"


def egress(found: ComparedFact) -> RiskAssessment:
    """Assess what a workload may reach outside the system."""
    was, now = found.values
    name, side = code(found.key.name), found.before if now is None else found.after
    if was is not None and now is not None:
        return RiskAssessment(
            HIGH, f"may reach {name} on port {was} -> {now}", "wider network reach"
        )
    if now is None:
        return RiskAssessment(LOW, f"may no longer reach {name} outside the system")
    hosts = listed(map(code, side.plan.externals.get(found.key.name, ())))
    what = f"may now reach {name} outside the system (new edge, {hosts}, port {now})"
    return RiskAssessment(HIGH, what, "data can leave the system that way")


def external(found: ComparedFact) -> RiskAssessment:
    """Assess the hosts behind a name outside the system."""
    was, now = (set(value or ()) for value in found.values)
    said = [
        f"{sign} {listed(map(code, sorted(hosts)))}"
        for sign, hosts in (("now also", now - was), ("no longer", was - now))
        if hosts
    ]
    if found.verb != "changed":
        return RiskAssessment(LOW, f"external {found.verb}", "no service uses it")
    wider = bool(now - was)
    return RiskAssessment(
        HIGH if wider else LOW, f"hosts: {', '.join(said)}", "more can be reached" * wider
    )


def scale(found: ComparedFact) -> RiskAssessment:
    """Assess the number of replicas, and their autoscaling."""
    was, now = found.values
    if not (was and now):
        return RiskAssessment(MEDIUM, f"replicas {text(was)} -> {text(now)}")
    said, risk, why = [], LOW, ""
    if (was.least, was.most) != (now.least, now.most) or was.automatic != now.automatic:
        before, after = text(was), text(now)
        auto = "" if was.automatic == now.automatic else ", by itself" * now.automatic
        said.append(f"replicas {before} -> {after}{auto}")
        if not was.automatic and was.least == now.least and now.automatic:
            why = "an autoscaler now owns the number"
    for name in ("cpu", "memory"):
        before, after = getattr(was, name), getattr(now, name)
        if before != after and now.automatic:
            said.append(_signal(name, before, after))
            if before is not None and (after is None or after > before):
                risk, why = MEDIUM, "it scales up later under load"
    if was.stay != now.stay:
        said.append(f"kept while nodes are drained {was.stay} -> {now.stay}")
        if now.stay < was.stay:
            risk, why = MEDIUM, "a node upgrade may evict more of it at once"
    if now.most < was.most or (was.automatic and not now.automatic):
        risk, why = MEDIUM, "less capacity under load"
    if now.least < was.least:
        risk, why = HIGH, _left(now, found.after)
    return RiskAssessment(risk, "; ".join(said), why)


def _signal(name: str, before: int | None, after: int | None) -> str:
    if before is None:
        return f"now also grows above {after} % of its {name}"
    if after is None:
        return f"no longer grows by its {name} (was above {before} %)"
    return f"grows above {before} % -> {after} % of its {name}"


def _left(now: Scale, side: Side) -> str:
    """Return what the loss of a zone or node leaves, replicas spread evenly."""
    zones = side.plan.settings.zones
    kind, lost = ("zone", -(-now.least // zones)) if zones > 1 else ("node", 1)
    left = now.least - lost
    words = {0: "none", 1: "one", 2: "two", 3: "three"}
    return f"one lost {kind} now leaves {words.get(left, str(left))}"


def resources(found: ComparedFact) -> RiskAssessment:
    """Assess requests and limits of a container."""
    was, now = (value or {} for value in found.values)
    risk, why, said = LOW, "", []
    for name in sorted({*was, *now}):
        before, after = was.get(name), now.get(name)
        if before == after:
            continue
        said.append(f"{name} {code(before)} -> {code(after)}")
        less = before and (after is None or not amount(after) >= amount(before))
        if less and name == "memory limit":
            risk, why = MEDIUM, "a process that needs more than that is killed"
            if after is None:
                why = "it may use all memory of a node"
        elif less and not why:
            risk, why = MEDIUM, "it may starve on a full node"
        elif not less and not why and "request" in name and before:
            why = "fewer replicas fit on the same nodes"
    return RiskAssessment(risk, "; ".join(said), why)


def image(found: ComparedFact) -> RiskAssessment:
    """Assess a service's image."""
    was, now = map(_split, (text(value) for value in found.values))
    if was[0] != now[0]:
        what = f"image {code(was[0] + was[1])} -> {code(now[0] + now[1])}"
        return RiskAssessment(MEDIUM, what, "its images come from a different registry")
    kinds = {"@": "digest", ":": "tag"}
    said = f"image {kinds[now[1][0]]} {code(was[1][1:])} -> {code(now[1][1:])}"
    if was[1][0] == "@" and now[1][0] == ":":
        return RiskAssessment(MEDIUM, said, "a tag can be moved to another image; a digest cannot")
    if now[1] == ":latest":
        return RiskAssessment(MEDIUM, said, "the running version can change without a commit here")
    return RiskAssessment(LOW, said)


def _split(image: str) -> tuple[str, str]:
    if "@" in image:
        name, _, digest = image.partition("@")
        return name.rpartition("/")[0], f"@{digest}"
    name, _, tag = image.rpartition(":")
    return name.rpartition("/")[0], f":{tag}"


def port(found: ComparedFact) -> RiskAssessment:
    """Assess a port of a workload."""
    was, now = found.values
    name = found.key.name
    if was is None:
        return RiskAssessment(LOW, f"also listens on port {now} ({name})")
    if now is None:
        return RiskAssessment(
            MEDIUM, f"no longer listens on port {was} ({name})", "callers of that port fail"
        )
    why = "old and new pods listen on different ports during the rollout: calls can fail"
    return RiskAssessment(MEDIUM, f"port {name} {was} -> {now}", why)


def variable(found: ComparedFact) -> RiskAssessment:
    """Assess a variable; a secret is shown by its path."""
    was, now = found.values
    name = code(found.key.name)
    secrets = [is_secret(value or ()) for value in (was, now)]
    if was is None:
        why = "the secret must exist before the rollout" if secrets[1] else ""
        return RiskAssessment(
            MEDIUM if secrets[1] else LOW, f"new variable {name} = {code(now)}", why
        )
    if now is None:
        return RiskAssessment(LOW, f"variable {name} removed (was {code(was)})")
    if text(was) == text(now):
        return RiskAssessment(
            MEDIUM, f"variable {name}: a secret of a different size", "generate it again"
        )
    what = f"variable {name} {moved(was, now)}"
    if secrets == [True, False]:
        return RiskAssessment(HIGH, what, "a secret is now plain text for every reader")
    if secrets[1]:
        return RiskAssessment(MEDIUM, what, "the secret must exist before the rollout")
    return RiskAssessment(LOW, what)


def probe(found: ComparedFact) -> RiskAssessment:
    """Assess a probe."""
    was, now = found.values
    name = found.key.name
    if now is None:
        why = {
            "readiness": "it receives requests before it is ready",
            "liveness": "a hanging process is never restarted",
        }[name]
        return RiskAssessment(HIGH, f"{name} probe removed (was {code(was)})", why)
    if was is None:
        return RiskAssessment(LOW, f"new {name} probe: {code(now)}")
    return RiskAssessment(
        MEDIUM, f"{name} probe {code(was)} -> {code(now)}", "a failing probe stops the rollout"
    )


def user(found: ComparedFact) -> RiskAssessment:
    """Assess the user that it runs as."""
    was, now = found.values
    root = now == 0
    return RiskAssessment(
        HIGH if root else MEDIUM,
        f"runs as user {was} -> {now}",
        "root in its container" if root else "its volumes must belong to that user",
    )


def volume(found: ComparedFact) -> RiskAssessment:
    """Assess a volume."""
    was, now = found.values
    name = code(found.key.name)
    if was is None:
        return RiskAssessment(LOW, f"new volume {name} at {code(now)}")
    if now is None:
        return RiskAssessment(
            HIGH, f"data volume {name} removed", f"what is in {code(was)} may be lost"
        )
    why = "files at the old path are no longer visible"
    return RiskAssessment(HIGH, f"volume {name} at {code(was)} -> {code(now)}", why)


def command(found: ComparedFact) -> RiskAssessment:
    """Assess the command."""
    was, now = (text(value and (value[1] or value[0])) for value in found.values)
    return RiskAssessment(MEDIUM, f"started as {moved(was, now)}")


def hook(found: ComparedFact) -> RiskAssessment:
    """Assess a command after a start or before an end."""
    was, now = (text(value and value[0]) for value in found.values)
    return RiskAssessment(MEDIUM, f"runs {moved(was, now)} as {code(found.key.name)}")


def source(found: ComparedFact) -> RiskAssessment:
    """Assess the sources of an image."""
    was, now = (text(value and (value[0] or value[1])) for value in found.values)
    return RiskAssessment(
        MEDIUM, f"made of {code(was)} -> {code(now)}", "a different program under the same name"
    )


def file(found: ComparedFact) -> RiskAssessment:
    """Assess a file in a container."""
    was, now = found.values
    name = code(found.key.name)
    if was is None or now is None:
        return RiskAssessment(LOW, f"file {name} {found.verb}")
    return RiskAssessment(LOW, f"file {name} has different content")


def task(found: ComparedFact) -> RiskAssessment:
    """Assess a task."""
    was, now = found.values
    name = code(found.key.name)
    if was is None:
        once = found.after.plan.workload(found.key.subject).once
        when = next((run.schedule for run in once if run.name == found.key.name), "")
        runs = f"at {code(when)}" if when else "before each rollout"
        return RiskAssessment(MEDIUM, f"new task {name} {runs}: {code(now[0])}")
    if now is None:
        return RiskAssessment(MEDIUM, f"task {name} removed", "its work is no longer done")
    if was[0] != now[0]:
        return RiskAssessment(MEDIUM, f"task {name}: {moved(was[0], now[0])}")
    return RiskAssessment(LOW, f"task {name} has different settings")


def schedule(found: ComparedFact) -> RiskAssessment:
    """Assess the schedule of a task; without one it runs before each rollout."""
    was, now = found.values
    before, after = (code(when) if when else "before when rollout" for when in (was, now))
    return RiskAssessment(
        LOW if was and now else MEDIUM, f"task {code(found.key.name)}: {before} -> {after}"
    )


def shutdown(found: ComparedFact) -> RiskAssessment:
    """Assess the time that a workload has to end."""
    was, now = found.values
    said = [
        f"{name} {a:g} -> {b:g} s"
        for name, a, b in zip(("drain", "grace period"), was, now, strict=True)
        if a != b
    ]
    less = now[0] < was[0] or now[1] < was[1]
    why = "requests in flight may be cut off"
    return RiskAssessment(MEDIUM if less else LOW, "; ".join(said), why if less else "")


def metrics(found: ComparedFact) -> RiskAssessment:
    """Assess the port of metrics."""
    now = found.values[1]
    if now is None:
        return RiskAssessment(
            MEDIUM, "metrics are no longer read", "its alerts and dashboards have no data"
        )
    return RiskAssessment(LOW, f"metrics are read on port {now}")
