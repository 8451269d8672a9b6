"""Argo CD by its chart and the rendered values: its server comes up, and its pages show Git's tree.

One system's values after another, in one installation, which is gone before `test_with_argo_cd.py`
has its processes follow whole systems.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator

import chromium
import cluster_argo
import cluster_argo_chart
import kube_trees
import pytest
import yaml
from cluster import Cluster
from cluster_argo import WHERE
from cluster_argo_chart import AVAILABLE_WITHIN_S, FOLLOWED, SERVER, Chart, Followed
from deployed import TARMAC
from playwright.sync_api import Page, expect
from rendered import artifacts_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

#: A service that is not there yet.
NEW = "notes"
FORM = "catalog/template/new-service.yaml"


@pytest.fixture(scope="module")
def chart(nodes: Cluster, docker, tmp_path_factory) -> Iterator[Chart]:
    """Have what the chart needs, in a cluster without Argo CD."""
    found = cluster_argo_chart.programs()
    if found is None:
        pytest.skip(cluster_argo_chart.GET)
    kube_trees.fetched()
    with cluster_argo_chart.begin(nodes, docker, found, tmp_path_factory.mktemp("chart")) as made:
        yield made


@pytest.fixture(scope="module", params=FOLLOWED)
def installed(chart: Chart, request, tmp_path_factory) -> Followed:
    """Install it with a system's values, and have the system's root followed, but not synced."""
    made = Followed.lay_out(chart, request.param, tmp_path_factory.mktemp(request.param))
    began = time.monotonic()
    chart.install(made.tree / "argocd/values/argo-cd.yaml")
    print(f"{request.param}: installed after {time.monotonic() - began:.0f} s")
    root = made.read("root.yaml")
    del root["spec"]["syncPolicy"]["automated"]  # all of a production is not for one machine
    chart.cluster.apply([made.read("project.yaml"), root])
    return made


@pytest.fixture(scope="module")
def page(chart: Chart, installed: Followed) -> Iterator[Page]:
    """Open its pages as one who has the first password; their host leads to the forwarded port."""
    with cluster_argo_chart.forwarded(chart.cluster) as port:
        leads = f"--host-resolver-rules=MAP {installed.domain}:443 127.0.0.1:{port}"
        with chromium.launched(leads, "--no-proxy-server") as browser:
            # Its certificate is its own, as long as no other is set.
            context = browser.new_context(ignore_https_errors=True)
            opened = context.new_page()
            opened.goto(f"https://{installed.domain}/")
            expect(opened.get_by_text("Let's get stuff deployed!")).to_be_visible()
            opened.locator("form input").first.fill("admin")
            opened.locator("form input[type=password]").fill(chart.password())
            opened.get_by_role("button", name="Sign In").click()
            opened.wait_for_url("**/applications**")
            yield opened


def test_the_values_of_the_systems_differ_in_the_host_alone():
    asked = set()
    for system, environment in FOLLOWED.items():
        made = {a.path: a for a in artifacts_of(system, environment)}
        values = {**made["argocd/values/argo-cd.yaml"].data}
        assert values.pop("global").keys() == {"domain"}
        asked.add(yaml.safe_dump(values))
    assert len(asked) == 1


def test_its_server_is_available_and_its_first_password_readable(chart, installed):
    wait = ("wait", "--for=condition=available", f"--timeout={AVAILABLE_WITHIN_S}s", WHERE)
    chart.cluster.kubectl(*wait, SERVER)
    assert len(chart.password()) == 16
    values = yaml.safe_load((installed.tree / "argocd/values/argo-cd.yaml").read_text())
    server = chart.cluster.read("deployment", "argocd-server", WHERE)
    assert server["status"]["readyReplicas"] == values["server"]["replicas"]
    settings = chart.cluster.read("configmap", "argocd-cm", WHERE)["data"]
    assert settings["url"] == f"https://{installed.domain}"
    assert settings.items() >= {
        (key, value) for key, value in values["configs"]["cm"].items() if isinstance(value, str)
    }


def test_its_page_lists_the_root_as_git_has_it(installed, page):
    root = installed.read("root.yaml")["metadata"]["name"]
    installed.until_compared(root, "OutOfSync")  # nothing is synced, so nothing is there
    page.goto(f"https://{installed.domain}/applications/argocd/{root}")
    # Of its own repository's files: what it would make.
    project = installed.read("applications/project.yaml")["metadata"]["name"]
    nodes = page.locator(".application-resource-tree__node-title")
    for name in (root, project):
        expect(nodes.filter(has_text=re.compile(f"^{name}$")).first).to_be_visible()
    expect(page.locator(".application-status-panel")).to_contain_text("OutOfSync")


@pytest.mark.parametrize("installed", ["shop"], indirect=True)  # the first: it is there by now
def test_the_form_s_link_leads_to_a_new_service_s_application(chart, installed, page):
    """By the templates that the portal's form calls, too."""
    system = installed.system
    system.own_services()
    command = [TARMAC, "new", "service", NEW]
    subprocess.run(command, cwd=system.file.parent, env=system.env(), check=True)
    installed.commit(f"feat: the service {NEW}")
    application = installed.read(f"applications/{NEW}.yaml")
    cluster_argo.define(chart.cluster, installed.tree)
    chart.cluster.apply([installed.read("applications/project.yaml"), application])
    name = application["metadata"]["name"]
    made = {a.path: a for a in artifacts_of("shop", "repository")}
    (link,) = (
        one["url"] for one in made[FORM].data["spec"]["output"]["links"] if "Argo" in one["title"]
    )
    page.goto(link.replace("${{ parameters.name }}", NEW))
    listed = page.locator(".applications-list__title")
    expect(listed).to_have_text(name)  # and no other one
    listed.click()
    page.wait_for_url(f"**/applications/argocd/{name}**")
    installed.until_compared(name, "Synced")
    expect(page.locator(".application-status-panel")).to_contain_text("Synced")
    chart.cluster.kubectl("delete", "application", name, WHERE)  # and what was made of it
    chart.cluster.kubectl("delete", "namespace", system.namespace, "--wait=false")
