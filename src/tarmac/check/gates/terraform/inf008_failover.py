"""Records of Route 53 that fail over are asked for their health, and soon asked for again."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.settings import Setting, settings

RECORD, CHECK = "aws_route53_record", "aws_route53_health_check"
#: Seconds: AWS sets as many for an alias, and sees a failure after 90 by its own numbers (3 x 30).
LONGEST_TTL_S, LONGEST_CHECK_S = 60, 90

#: The settings of a resource by what follows its name: `("alias", "evaluate_target_health")`.
Resource = dict[tuple[str, ...], Setting]


def check(files: Files) -> Iterator[Finding]:
    """Yield records that fail over too late or never, and checks that ask the wrong name."""
    records = _failing_over(files)
    if not records:
        return
    names = {found[("name",)].value for found in records if ("name",) in found} - {None}
    for found in records:
        yield from _record(found)
    for found in _resources(files, CHECK):
        yield from _check(found, names)


def _record(found: Resource) -> Iterator[Finding]:
    ttl = found.get(("ttl",))
    if ttl and (ttl.value or "").isdigit() and int(str(ttl.value)) > LONGEST_TTL_S:
        what = f"this name fails over, but resolvers cache its answer for {ttl.value} s"
        yield Finding(ttl.where, f"{what}; write ttl = {LONGEST_TTL_S} or less")
    role = found[("failover_routing_policy", "type")]
    asked = ("health_check_id",) in found
    alias = found.get(("alias", "evaluate_target_health"))
    if role.value == "PRIMARY" and not asked and (alias is None or alias.value == "false"):
        what = "the primary record has no health check, so it never fails over"
        yield Finding(role.where, f"{what}; give it a health_check_id")


def _check(found: Resource, names: set[str | None]) -> Iterator[Finding]:
    host = found.get(("fqdn",))
    if host and host.value in names:
        what = f"{host.value} is the name that fails over, so the check queries any region that"
        yield Finding(host.where, f"{what} serves; check a name that resolves to one region")
    times = [found.get((name,)) for name in ("failure_threshold", "request_interval")]
    if all(one and (one.value or "").isdigit() for one in times):
        failures, interval = (int(str(one.value)) for one in times if one)
        if failures * interval > LONGEST_CHECK_S and times[0]:
            what = (
                f"{failures} failures {interval} s apart are detected after {failures * interval} s"
            )
            yield Finding(times[0].where, f"{what}; write 3 and 10", warning=True)
    kind = found.get(("type",))
    if kind and kind.value in ("HTTP", "HTTPS") and ("resource_path",) not in found:
        what = "the check requests /, which may answer while the system behind it does not"
        yield Finding(kind.where, f"{what}; write resource_path", warning=True)


def _failing_over(files: Files) -> list[Resource]:
    """List the records with a routing policy of failover."""
    policy = ("failover_routing_policy", "type")
    return [found for found in _resources(files, RECORD) if policy in found]


def _resources(files: Files, kind: str) -> list[Resource]:
    found: dict[tuple[str, ...], Resource] = {}
    for setting in settings(files):
        if setting.path[:2] == ("resource", kind) and len(setting.path) > 3:
            own = found.setdefault((setting.file, *setting.path[:3]), {})
            own[setting.path[3:]] = setting
    return list(found.values())


GATE = Gate(
    id="INF008",
    title="DNS names fail over, and quickly",
    phase="recovery",
    source="https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover.html: a record "
    "without a health check counts as healthy, and resolvers keep an answer for its ttl",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("records that fail over", _failing_over),
    targets=("cluster",),
    reads="aws_route53_record with a failover_routing_policy, and aws_route53_health_check beside "
    "them. Of names, times and roles only those that stand there as they are.",
)
