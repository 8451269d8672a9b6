"""What a difference of a workload means: one small function for each kind of fact.

Each sees both sides and answers with a risk, the fact and what can come of it. HIGH is what a
reviewer must look at: more can reach something, less of it is left, or data may go.
"""

from __future__ import annotations

from tarmac.compare.change import Risk, Told
from tarmac.compare.facts import Seen, Side
from tarmac.compare.wording import amount, code, listed, moved, text
from tarmac.launch import is_secret
from tarmac.plan.cluster import Scale, Workload

HIGH, MEDIUM, LOW = Risk.HIGH, Risk.MEDIUM, Risk.LOW


def service(found: Seen) -> Told:
    """Tell of a service that came or went, with all that came or went with it."""
    if found.verb == "removed":
        callers = [e.source for e in found.before.plan.allowed if e.target == found.key.subject]
        used = f"; {listed(sorted(set(callers) - {'world'}))} used it" if callers else ""
        return Told(HIGH, "removed", f"all that only it does ends{used}")
    return Told(
        MEDIUM,
        f"new service: {described(found.after, found.after.plan.workload(found.key.subject))}",
    )


def described(side: Side, workload: Workload) -> str:
    """Say in one line what a workload is and whom it knows."""
    ports = [f"{name} {number}" for name, number in workload.ports.items()]
    allowed = side.plan.allowed
    said = [f"port {listed(ports)}"] if ports else ["no port"]
    uses = sorted({each.target for each in allowed if each.source == workload.name})
    users = sorted({each.source for each in allowed if each.target == workload.name} - {"world"})
    said += [f"uses {listed(uses)}"] if uses else []
    said += [f"used by {listed(users)}"] if users else []
    return "; ".join(said)


def route(found: Seen) -> Told:
    """Tell of a public address: a host and a path."""
    was, now = found.values
    path = found.key.name
    if was is None:
        at = (code(f"https://{now[0]}{path}"),)
        return Told(HIGH, "now public at", "anybody can call it", at)
    if now is None:
        at = (code(f"https://{was[0]}{path}"),)
        return Told(MEDIUM, "no longer public at", "who still calls it gets an error", at)
    if was[0] == now[0]:
        return Told(MEDIUM, f"public at port {was[1]} -> {now[1]}", "another part of it answers")
    why = "DNS and the certificate must cover it, and who calls the old address gets an error"
    return Told(HIGH, "public host", why, (f"{code(was[0])} -> {code(now[0])}",))


def edge(found: Seen) -> Told:
    """Tell of a connection that is allowed or no longer."""
    was, now = found.values
    role, ports = now or was
    source, on = found.key.name, f"port {listed(ports)}" if any(ports) else "any port"
    if was is not None and now is not None:
        wider = bool(set(ports) - set(was[1]))
        what = f"{code(source)} may reach it on port {listed(was[1])} -> {listed(ports)}"
        return Told(HIGH if wider else LOW, what, "wider network reach" if wider else "")
    if was is not None:
        return Told(LOW, f"may no longer be {_used(role)} by {code(source)}", "")
    what = f"may now be {_used(role)} by {code(source)} (new edge, {on})"
    why = "one more that can read and change its data" if role in ("store", "managed") else ""
    return Told(HIGH, what, why or "wider network reach")


def _used(role: str) -> str:
    return "called" if role == "service" else "used"


def egress(found: Seen) -> Told:
    """Tell of what a workload may reach outside the system."""
    was, now = found.values
    name, side = code(found.key.name), found.before if now is None else found.after
    if was is not None and now is not None:
        return Told(HIGH, f"may reach {name} on port {was} -> {now}", "wider network reach")
    if now is None:
        return Told(LOW, f"may no longer reach {name} outside the system")
    hosts = listed(map(code, side.plan.externals.get(found.key.name, ())))
    what = f"may now reach {name} outside the system (new edge, {hosts}, port {now})"
    return Told(HIGH, what, "data can leave the system that way")


def external(found: Seen) -> Told:
    """Tell of the hosts behind a name outside the system."""
    was, now = (set(each or ()) for each in found.values)
    said = [
        f"{sign} {listed(map(code, sorted(hosts)))}"
        for sign, hosts in (("now also", now - was), ("no longer", was - now))
        if hosts
    ]
    if found.verb != "changed":
        return Told(LOW, f"external {found.verb}", "no service uses it")
    wider = bool(now - was)
    return Told(HIGH if wider else LOW, f"hosts: {', '.join(said)}", "more can be reached" * wider)


def scale(found: Seen) -> Told:
    """Tell of the number of replicas, and of what changes it."""
    was, now = found.values
    if not (was and now):
        return Told(MEDIUM, f"replicas {text(was)} -> {text(now)}")
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
                risk, why = MEDIUM, "it grows later under load"
    if was.stay != now.stay:
        said.append(f"kept while nodes are emptied {was.stay} -> {now.stay}")
        if now.stay < was.stay:
            risk, why = MEDIUM, "an upgrade of the nodes may take more of it away at once"
    if now.most < was.most or (was.automatic and not now.automatic):
        risk, why = MEDIUM, "less room under load"
    if now.least < was.least:
        risk, why = HIGH, _left(now, found.after)
    return Told(risk, "; ".join(said), why)


def _signal(name: str, before: int | None, after: int | None) -> str:
    if before is None:
        return f"now also grows above {after} % of its {name}"
    if after is None:
        return f"no longer grows by its {name} (was above {before} %)"
    return f"grows above {before} % -> {after} % of its {name}"


def _left(now: Scale, side: Side) -> str:
    """Say what the loss of a zone or node leaves, replicas spread evenly."""
    zones = side.plan.settings.zones
    kind, lost = ("zone", -(-now.least // zones)) if zones > 1 else ("node", 1)
    left = now.least - lost
    words = {0: "none", 1: "one", 2: "two", 3: "three"}
    return f"one lost {kind} now leaves {words.get(left, str(left))}"


def resources(found: Seen) -> Told:
    """Tell of what a container is given and may take."""
    was, now = (each or {} for each in found.values)
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
                why = "nothing keeps it from taking a node's memory"
        elif less and not why:
            risk, why = MEDIUM, "it may get less than it needs when a node is full"
        elif not less and not why and "request" in name and before:
            why = "the same nodes hold fewer of it"
    return Told(risk, "; ".join(said), why)


def image(found: Seen) -> Told:
    """Tell of a service's image."""
    was, now = map(_split, (text(each) for each in found.values))
    if was[0] != now[0]:
        what = f"image {code(was[0] + was[1])} -> {code(now[0] + now[1])}"
        return Told(MEDIUM, what, "its images come from elsewhere")
    kinds = {"@": "digest", ":": "tag"}
    said = f"image {kinds[now[1][0]]} {code(was[1][1:])} -> {code(now[1][1:])}"
    if was[1][0] == "@" and now[1][0] == ":":
        return Told(MEDIUM, said, "a tag can be moved to another image; a digest cannot")
    if now[1] == ":latest":
        return Told(MEDIUM, said, "what runs changes without a change here")
    return Told(LOW, said)


def _split(image: str) -> tuple[str, str]:
    if "@" in image:
        name, _, digest = image.partition("@")
        return name.rpartition("/")[0], f"@{digest}"
    name, _, tag = image.rpartition(":")
    return name.rpartition("/")[0], f":{tag}"


def port(found: Seen) -> Told:
    """Tell of where a workload listens."""
    was, now = found.values
    name = found.key.name
    if was is None:
        return Told(LOW, f"also listens on port {now} ({name})")
    if now is None:
        return Told(MEDIUM, f"no longer listens on port {was} ({name})", "who calls it there fails")
    why = "old and new pods listen on different ports during the rollout: calls can fail"
    return Told(MEDIUM, f"port {name} {was} -> {now}", why)


def variable(found: Seen) -> Told:
    """Tell of a variable; a secret is shown by its path."""
    was, now = found.values
    name = code(found.key.name)
    secrets = [is_secret(each or ()) for each in (was, now)]
    if was is None:
        why = "the secret must be there before the rollout" if secrets[1] else ""
        return Told(MEDIUM if secrets[1] else LOW, f"new variable {name} = {code(now)}", why)
    if now is None:
        return Told(LOW, f"variable {name} removed (was {code(was)})")
    if text(was) == text(now):
        return Told(MEDIUM, f"variable {name}: a secret of another size", "it must be made anew")
    what = f"variable {name} {moved(was, now)}"
    if secrets == [True, False]:
        return Told(HIGH, what, "what was a secret is now plain to everybody who reads this")
    if secrets[1]:
        return Told(MEDIUM, what, "the secret must be there before the rollout")
    return Told(LOW, what)


def probe(found: Seen) -> Told:
    """Tell of how the cluster asks."""
    was, now = found.values
    name = found.key.name
    if now is None:
        why = {
            "readiness": "it gets requests before it can answer them",
            "liveness": "one that hangs is never restarted",
        }[name]
        return Told(HIGH, f"{name} probe removed (was {code(was)})", why)
    if was is None:
        return Told(LOW, f"new {name} probe: {code(now)}")
    return Told(MEDIUM, f"{name} probe {code(was)} -> {code(now)}", "a wrong one stops the rollout")


def user(found: Seen) -> Told:
    """Tell of who it runs as."""
    was, now = found.values
    root = now == 0
    return Told(
        HIGH if root else MEDIUM,
        f"runs as user {was} -> {now}",
        "root in its container" if root else "its volumes must belong to that user",
    )


def volume(found: Seen) -> Told:
    """Tell of a folder that outlives a workload."""
    was, now = found.values
    name = code(found.key.name)
    if was is None:
        return Told(LOW, f"new volume {name} at {code(now)}")
    if now is None:
        return Told(HIGH, f"data volume {name} removed", f"what is in {code(was)} may be lost")
    why = "what is at the old path is not seen any more"
    return Told(HIGH, f"volume {name} at {code(was)} -> {code(now)}", why)


def command(found: Seen) -> Told:
    """Tell of what is started."""
    was, now = (text(each and (each[1] or each[0])) for each in found.values)
    return Told(MEDIUM, f"started as {moved(was, now)}")


def source(found: Seen) -> Told:
    """Tell of what an image is built from."""
    was, now = (text(each and (each[0] or each[1])) for each in found.values)
    return Told(MEDIUM, f"made of {code(was)} -> {code(now)}", "another program in the same place")


def file(found: Seen) -> Told:
    """Tell of a file in a container."""
    was, now = found.values
    name = code(found.key.name)
    if was is None or now is None:
        return Told(LOW, f"file {name} {found.verb}")
    return Told(LOW, f"file {name} has other content")


def task(found: Seen) -> Told:
    """Tell of what runs to its end."""
    was, now = found.values
    name = code(found.key.name)
    if was is None:
        once = found.after.plan.workload(found.key.subject).once
        when = next((each.schedule for each in once if each.name == found.key.name), "")
        runs = f"at {code(when)}" if when else "before each rollout"
        return Told(MEDIUM, f"new task {name} {runs}: {code(now[0])}")
    if now is None:
        return Told(MEDIUM, f"task {name} removed", "what it did is no longer done")
    if was[0] != now[0]:
        return Told(MEDIUM, f"task {name}: {moved(was[0], now[0])}")
    return Told(LOW, f"task {name} gets other settings")


def schedule(found: Seen) -> Told:
    """Tell of when a task runs; one without a schedule runs before each rollout."""
    was, now = found.values
    before, after = (code(each) if each else "before each rollout" for each in (was, now))
    return Told(LOW if was and now else MEDIUM, f"task {code(found.key.name)}: {before} -> {after}")


def shutdown(found: Seen) -> Told:
    """Tell of the time that a workload has to end."""
    was, now = found.values
    said = [
        f"{name} {a:g} -> {b:g} s"
        for name, a, b in zip(("drain", "grace period"), was, now, strict=True)
        if a != b
    ]
    less = now[0] < was[0] or now[1] < was[1]
    why = "requests in flight may be cut off"
    return Told(MEDIUM if less else LOW, "; ".join(said), why if less else "")


def metrics(found: Seen) -> Told:
    """Tell of where metrics are read."""
    now = found.values[1]
    if now is None:
        return Told(MEDIUM, "metrics are no longer read", "its alerts and dashboards go blind")
    return Told(LOW, f"metrics are read on port {now}")
