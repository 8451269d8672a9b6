"""What kubectl and known programs ask for in a pod, the account of the pod may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_KUBECTL = re.compile(r"(?:^|[\s/;&|(\"'])kubectl\b([^;&|\n)]*)")
#: A text that is printed or kept in a variable, with nothing in it that a shell runs.
_TEXT = re.compile(r"(?:\b\w+=|\b(?:echo|printf) +)\"(?:[^\"`$]|\$(?!\())*\"")
_IMAGE = re.compile(r"(.*/)?kubectl([:@].*)?")
#: Credentials of another user, another cluster, and what changes nothing.
_OTHERS = re.compile(r"--(token|kubeconfig|as|context|server|dry-run|help)\b|\s-h\b|\$\(|`")
_VALUED = frozenset(
    {"-n", "--namespace", "-l", "--selector", "-o", "--output", "-c", "--container"}
)
#: What has several copies choose one by a lease, which the first of them makes.
_LEADS = re.compile(r"--?(enable-)?leader-elect(ion|ion-enabled)?(=true)?")
_LEASES = ("coordination.k8s.io", "leases")
#: The key of what is bound to all accounts.
_OF_ALL = ("", "system:serviceaccounts")


class AccountRule(NamedTuple):
    """A rule of a role that is bound to an account."""

    role: Artifact
    data: Fields

    def grants(self, verb: str, group: str, resource: str) -> bool:
        """Tell whether it grants a verb on a resource, or on some that have a name."""
        below = resource.partition("/")[2]
        kinds = {"*", resource, f"*/{below}"} if below else {"*", resource}
        asked = (("verbs", {verb, "*"}), ("apiGroups", {group, "*"}), ("resources", kinds))
        return all(wanted & set(map(str, items(self.data, key))) for key, wanted in asked)


class AskedVerb(NamedTuple):
    """What a command asks of the API server."""

    own: Pods
    account: str
    #: As a person reads it: `kubectl scale`.
    command: str
    verb: str
    group: str
    resource: str


def check(files: Files) -> Iterator[Finding]:
    """Yield commands that the roles of their account do not grant."""
    told = set[str]()
    asked = list(_asked(files))
    bound = _rules(files) if asked else {}
    for one in asked:
        space = space_of(one.own.artifact)
        # A template of a chart names the namespace of its release in some places alone.
        keys = [key for key in bound if key[1] == one.account and "" in (space, key[0])]
        keys = [*{*keys, (space, one.account)}, _OF_ALL]
        own = (bound.get(key, []) for key in keys)
        every = [rule for found in own for rule in found]
        rules = [rule for rule in every if rule is not None]
        if not rules or len(rules) != len(every):
            continue  # it is bound elsewhere, or to a role of another place
        # Another kind of lock needs no lease.
        if one.resource == "leases" and not any(r.grants("update", *_LEASES) for r in rules):
            continue
        if any(rule.grants(one.verb, one.group, one.resource) for rule in rules):
            continue
        role = rules[0].role
        what = f"{title(one.own.artifact)} runs {one.command}, which asks for {one.verb} of"
        said = f"{what} {one.resource}, and no role of its account {one.account} grants that:"
        finding = Finding(role.at("rules"), f"{said} it is forbidden; add it to {title(role)}")
        if finding.what not in told:
            told.add(finding.what)
            yield finding


def _rules(files: Files) -> dict[tuple[str, str], list[AccountRule | None]]:
    """Find the rules of each account, by its namespace and name; None of a role that is not here.

    Those of groups that have every account are by themselves.
    """
    roles = {
        (kind_of(one), space_of(one) if kind_of(one) == "Role" else "", name_of(one)): one
        for one in files.objects("Role", "ClusterRole")
    }
    found: dict[tuple[str, str], list[AccountRule | None]] = {}
    for binding in files.objects("RoleBinding", "ClusterRoleBinding"):
        kind, name = (string(binding.data, "roleRef", key) for key in ("kind", "name"))
        role = roles.get((kind, space_of(binding) if kind == "Role" else "", name))
        is_known = role is not None and "aggregationRule" not in role.data
        rules = (
            [AccountRule(role, rule) for _, rule in numbered(role.data, "rules")] if role else []
        )
        for _, subject in numbered(binding.data, "subjects"):
            account = string(subject, "name")
            key = (string(subject, "namespace") or space_of(binding), account)
            if string(subject, "kind") != "ServiceAccount":
                key = _OF_ALL
            if key != _OF_ALL or account.startswith(_OF_ALL[1]):
                found.setdefault(key, []).extend(rules if is_known else [None])
    return found


@once
def _asked(files: Files) -> Iterator[AskedVerb]:
    for own in pods(files):
        account = string(own.spec.data, "serviceAccountName") or "default"
        for container in own.containers:
            if any(one.name == "KUBECONFIG" for one in container.variables):
                continue
            yield from _of_program(own, account, container)
            if any(map(_LEADS.fullmatch, container.words)):
                yield AskedVerb(own, account, "an election of its leader", "create", *_LEASES)
            for command in _commands(container):
                if not _OTHERS.search(command):
                    yield from _of_command(own, account, command.split())


def _of_program(own: Pods, account: str, container: Container) -> Iterator[AskedVerb]:
    """Yield what a program that is known by its image asks of every cluster."""
    image = container.image.partition("@")[0]
    version = [int(one) for one in re.findall(r"\d+", image.rpartition(":")[2])[:2]]
    line = " ".join(container.words)
    for known in published("program_rights")["images"]:
        is_it = re.fullmatch(known["image"], untagged(image)) and ":" in image
        if is_it and version >= known["from"] and re.search(known["told"], line):
            asked = known["verb"], known["group"], known["resource"]
            yield AskedVerb(own, account, image, *asked)


def _commands(container: Container) -> Iterator[str]:
    line = " ".join(map(str, container.words))
    if _IMAGE.fullmatch(container.image) and not items(container.data, "command"):
        yield line
    yield from _KUBECTL.findall(_TEXT.sub("", line))


def _of_command(own: Pods, account: str, words: list[str]) -> Iterator[AskedVerb]:
    known = published("kubectl")
    plain: list[str] = []
    for word, before in zip(words, ["", *words], strict=False):
        if not word.startswith("-") and before not in _VALUED:
            plain.append(word.strip("\"'"))
    verb = next((one for n in (2, 1) if (one := " ".join(plain[:n])) in known["verbs"]), "")
    rest = plain[len(verb.split()) :]
    if not verb:
        return
    asks = known["verbs"][verb]
    if "resource" in asks:
        yield AskedVerb(own, account, f"kubectl {verb}", asks["verb"], "", asks["resource"])
        return
    kind = rest[0].partition("/")[0].partition(".")[0].lower() if rest else ""
    found = next((k for k in known["kinds"] if kind in k["names"]), None)
    if found is not None:
        resource = f"{found['resource']}{asks.get('below', '')}"
        is_named = "/" in rest[0] or len(rest) > 1
        asked = asks["verb"] if is_named or "of_all" not in asks else asks["of_all"]
        yield AskedVerb(own, account, f"kubectl {verb}", asked, found["group"], resource)


GATE = Gate(
    id="SEC028",
    title="What a pod asks of the cluster, its account may do",
    phase="security",
    source="https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources: "
    "a subresource as deployments/scale or pods/log is granted by its own name",
    check=check,
    of_files=check,
    scope=counted_in_files("questions to the cluster", _asked),
    targets=("cluster",),
    reads="commands of kubectl, and images of programs, in pods beside the roles that are bound "
    "to their ServiceAccount, where all of these are in the files; what assets/published.yaml "
    "knows of both.",
)
