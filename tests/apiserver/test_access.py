"""The authorizer of a real API server answers as every system's roles say, and no more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from kube_access import NOBODY, Right, Subject, allowed, matrix, member, offered, rights
from kube_api import Kube, Object
from kube_trees import RBAC, put, ready_for, take_away
from rendered import TYPICAL, plan_of

pytestmark = pytest.mark.servers

ACCESS = ("Namespace", "ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
#: Of an API server that is an add-on's: here there is none.
ADDED = ("metrics.k8s.io", "custom.metrics.k8s.io")
WRITES = ("create", "update", "patch", "delete", "deletecollection")

#: What no role for people and no workload's account has, in any system.
NEVER: frozenset[Right] = frozenset(
    {
        *(("", "secrets", verb) for verb in ("get", "list", "watch", *WRITES)),
        *((RBAC, kind, verb) for kind in ("roles", "rolebindings") for verb in WRITES),
        *((RBAC, "roles", verb) for verb in ("bind", "escalate")),
        ("", "serviceaccounts/token", "create"),
        ("", "serviceaccounts", "impersonate"),
        ("", "namespaces", "delete"),
        ("", "resourcequotas", "delete"),
        ("*", "*", "*"),
    }
)


@dataclass
class Access:
    """A tree's identities and roles in a cluster."""

    kube: Kube
    namespace: str
    granted: dict[Subject, set[Right]]


@pytest.fixture
async def access(kube, plane, system, environment):
    tree = await ready_for(kube, system, environment)
    wanted: list[Object] = [manifest for manifest in tree if manifest["kind"] in ACCESS]
    said = await put(kube, wanted)
    assert {name: answer.refused for name, answer in said.items() if answer.refused} == {}
    there = Access(kube, plan_of(system, environment).namespace, matrix(wanted))
    assert any(there.granted.values())
    await known(there)
    yield there
    await take_away(kube, wanted)


async def known(access: Access) -> None:
    """Wait until the authorizer has heard of every role: it follows a moment later."""
    async with asyncio.timeout(20):
        for subject, granted in access.granted.items():
            # The server tells nobody.
            while not granted <= await rights(access.kube, subject, access.namespace):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


every_system = pytest.mark.parametrize(
    ("system", "environment"), TYPICAL, ids=["-".join(names) for names in TYPICAL]
)


@every_system
async def test_everyone_may_what_the_roles_say_and_nothing_else(access: Access):
    for subject, granted in access.granted.items():
        assert await rights(access.kube, subject, access.namespace) == granted, subject


@every_system
async def test_every_right_is_one_that_the_cluster_can_grant(access: Access):
    there = await offered(access.kube)
    granted = set().union(*access.granted.values())
    assert {right for right in granted - there if right[0] not in ADDED} == set()


@every_system
async def test_some_things_nobody_may(access: Access):
    for subject in access.granted:
        assert await allowed(access.kube, subject, access.namespace, NEVER) == set(), subject


@every_system
async def test_rights_end_at_the_namespace(access: Access):
    for subject, granted in access.granted.items():
        for elsewhere in ("default", "kube-system", ""):
            assert await allowed(access.kube, subject, elsewhere, granted) == set(), subject


@pytest.mark.parametrize(
    ("system", "environment"),
    [("shop", "kind"), ("shop", "production")],
)
async def test_the_whole_table_is_answered_as_the_roles_say(access: Access):
    table = await offered(access.kube) | NEVER
    common = await allowed(access.kube, NOBODY, access.namespace, table)
    for subject, granted in access.granted.items():
        if subject.user != "somebody":
            continue  # accounts have no rights; the test above asked for all of them at once
        may = await allowed(access.kube, subject, access.namespace, table)
        assert may - common == {right for right in granted if right[0] not in ADDED}, subject


@pytest.mark.parametrize(("system", "environment"), [("shop", "production")])
async def test_kubectl_says_the_same(access: Access, plane):
    people = {s: granted for s, granted in access.granted.items() if s.user == "somebody"}
    assert people
    for subject, granted in people.items():
        group, resource, verb = min(right for right in granted if "/" not in right[1])
        for asked, answer in (((verb, f"{resource}.{group}"), "yes"), (("get", "secrets"), "no")):
            said = plane.kubectl(
                *("auth", "can-i", *asked, "--as", "somebody", "--as-group", subject.groups[0]),
                *("--namespace", access.namespace),
            )
            assert said.stdout.strip() == answer, (subject, asked, said.stderr)


@pytest.mark.parametrize(("system", "environment"), [("shop", "production")])
async def test_somebody_of_another_group_may_nothing(access: Access):
    granted = set().union(*access.granted.values())
    assert await allowed(access.kube, member("strangers"), access.namespace, granted) == set()
