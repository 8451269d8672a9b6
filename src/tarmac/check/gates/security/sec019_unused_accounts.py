"""An account that is made for a workload is the one that its pods run as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.objects.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files


def check(files: Files) -> Iterator[Finding]:
    """Yield pods that run as the default account beside one of their workload's name."""
    named = Counter((own.spec.account, space_of(own.artifact)) for own in pods(files))
    accounts = {(name_of(one), space_of(one)): one for one in files.objects("ServiceAccount")}
    for own, account in _pairs(files, accounts):
        space = space_of(own.artifact)
        is_near = place_of(own.artifact) == place_of(account)
        if not named[name_of(account), space] and is_near:
            what = f"{title(own.artifact)} runs as the default account of its namespace, and"
            said = f"{what} {title(account)} of its name is used by no pod: its rights are given"
            advice = f"to none; write serviceAccountName: {name_of(account)}"
            yield Finding(own.at(), f"{said} {advice}", warning=True)


def _pairs(
    files: Files, accounts: dict[tuple[str, str], Artifact]
) -> Iterator[tuple[Pods, Artifact]]:
    """Yield pods without an account of their own, with the account of their workload's name."""
    for own in pods(files):
        account = accounts.get((own.name, space_of(own.artifact)))
        if account is not None and own.spec.account in (None, "", "default"):
            yield own, account


def _judged(files: Files) -> Iterator[object]:
    yield from files.objects("ServiceAccount")


GATE = Gate(
    id="SEC019",
    title="Pods run as the account that is made for them",
    phase="security",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account: a "
    "pod that names no account runs as `default`",
    check=check,
    of_files=check,
    scope=counted_in_files("accounts", _judged),
    targets=(),
    reads="ServiceAccounts beside workloads of the same name, namespace and folder. Judges files "
    "without a plan only: SEC004 checks more of a plan.",
)
