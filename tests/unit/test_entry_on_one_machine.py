"""`entry` of an environment on one machine: what the file may say, and what is rendered of it."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from composed_containers import inspected, release
from demo_system import demo, problems
from rendered import KINDS, RENDERERS, system_of

from tarmac.base import versions
from tarmac.base.artifact import Artifact, write
from tarmac.base.errors import BadInput
from tarmac.model.entry import Entry
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts
from tarmac.render.kubernetes.parts.hosts import hosts
from tarmac.run.compose import containers as c
from tarmac.run.compose.project import Project
from tarmac.run.compose.release import BASE, PRODUCTION, Release, released
from tarmac.run.compose.running import ComposedSystem
from tarmac.run.compose_system import ComposeSystem

if TYPE_CHECKING:
    from tarmac.run.compose.docker import Docker

MODEL = """
tarmac: 1
system: shop
domain: shop.example.com
environments:
  production:
    target: compose
    entry: ENTRY
services:
  web:
    run: [npm, start]
    port: 3000
    public: {host: www}
    calls: [api]
    env: {API: "${services.api.public_url}"}
  api:
    run: [serve]
    port: 8000
    public: {host: www, paths: [/api, /v1/]}
  jobs: {run: [work]}
"""
OWN = "{certificate: tls/shop.pem, key: /etc/shop.key}"


def file(entry: str, model: str = MODEL) -> str:
    return textwrap.dedent(model).replace("ENTRY", entry)


def planned(entry: str) -> ClusterPlan:
    return deploy(demo(file(entry)), "production", KINDS)


def rendered(entry: str) -> dict[str, Artifact]:
    made = artifacts(planned(entry), RENDERERS)
    return {one.path: one for one in made if one.path.startswith("compose/")}


def services(entry: str, name: str = "compose.prod.yaml") -> dict[str, Any]:
    found: dict[str, Any] = rendered(entry)[f"compose/{name}"].data["services"]
    return found


def routes(entry: str) -> dict[str, Any]:
    text = services(entry)["entry-routes"]["environment"]["ROUTES"]
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize(
    ("entry", "where", "expected"),
    [
        ("nginx", "7:12", "kind is 'nginx'; write traefik"),
        ("{email: ops}", "7:20", "email is 'ops'"),
        ("{certificate: a.pem}", "7:13", "`certificate` is of no use without `key`; add it"),
        ("{key: a.pem}", "7:13", "`key` is of no use without `certificate`; add it"),
        (
            "{email: ops@example.com, certificate: a.pem, key: b.pem}",
            "7:13",
            "`email` is for certificates by ACME, and `certificate` is one of your own; remove",
        ),
        (
            "{issuer: https://acme.example.com/directory}",
            "7:13",
            "`issuer` wants an address to write to; add `email`, e.g. email: ops@example.com",
        ),
        ("{issuer: letsencrypt, email: a@b.c}", "7:21", "issuer is 'letsencrypt'; write an addr"),
        ("{http: 443}", "7:13", "`http` and `https` have the same port (443); give each one of"),
        ("{address: here}", "7:22", "address is 'here'; write an address of the machine, e.g. 203"),
        ("{http: 0}", "7:19", "http is 0; it must be at least 1"),
        ("{port: 80}", "7:13", "unknown key 'port'"),
    ],
)
def test_a_wrong_entry_is_named_with_its_place_and_what_to_do(entry, where, expected):
    (found,) = problems(file(entry))
    place, _, said = found.partition(": ")
    assert place.partition(":")[2] == where, found
    assert said.startswith(expected), found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "target: compose",
            "target: cluster",
            "`entry` is for an environment of target compose, not cluster; write `ingress`",
        ),
        ("domain: shop.example.com\n", "", "there is no `domain`; add it to the system, or to env"),
        ("    public:", "    volumes: {}\n    #", "`entry` leads nowhere: no service has `public`"),
    ],
)
def test_an_entry_that_cannot_be_is_named(old, new, expected):
    (found,) = problems(file("{email: ops@example.com}").replace(old, new))
    assert expected in found


def test_two_services_with_the_same_host_and_path_are_named():
    with pytest.raises(BadInput) as caught:
        deploy(demo(file("traefik").replace("[/api, /v1/]", "[/]")), "production", KINDS)
    (problem,) = caught.value.problems
    assert "/ of www.shop.example.com is public of web, too; give one" in str(problem)


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("traefik", "http://www.shop.example.com"),
        ("{http: 8080}", "http://www.shop.example.com:8080"),
        ("{email: ops@example.com}", "https://www.shop.example.com"),
        (OWN, "https://www.shop.example.com"),
        ("{email: ops@example.com, https: 8443}", "https://www.shop.example.com:8443"),
    ],
)
def test_public_addresses_are_those_of_the_entry(entry, url):
    web = next(one for one in planned(entry).services if one.name == "web")
    assert web.env["API"].value == (url,)


def test_without_an_entry_each_public_service_has_its_port():
    plan = deploy(demo(file("null")), "production", KINDS)
    web = next(one for one in plan.services if one.name == "web")
    assert web.env["API"].value == ("http://localhost:8000",)
    assert "ports" in services("null")["web"]
    assert "entry" not in services("null")


def test_it_leads_where_an_ingress_leads_by_elements_of_the_path():
    http = routes("traefik")["http"]
    led = {
        (one["rule"], one["service"])
        for one in http["routers"].values()
        if one["entryPoints"] == ["http"]
    }
    host = "Host(`www.shop.example.com`)"
    assert led == {
        (f"{host} && PathPrefix(`/`)", "web"),
        (f"{host} && (Path(`/api`) || PathPrefix(`/api/`))", "api"),
        (f"{host} && (Path(`/v1`) || PathPrefix(`/v1/`))", "api"),
    }
    plan = planned("traefik")
    assert len(led) == sum(len(paths) for paths in hosts(plan).values())
    priorities = {one["priority"] for one in http["routers"].values() if "priority" in one}
    assert priorities == {1, 4}  # the longest path first
    assert http["services"]["api"]["loadBalancer"]["servers"] == [{"url": "http://api:8000"}]


def test_http_leads_to_https_where_there_is_a_certificate_and_only_there():
    for entry, tls in (("{email: ops@example.com}", {"certResolver": "acme"}), (OWN, {})):
        http = routes(entry)["http"]
        moved = http["routers"]["to https"]
        assert (moved["entryPoints"], moved["service"]) == (["http"], "noop@internal")
        assert http["routers"]["www.shop.example.com/"]["entryPoints"] == ["https"]
        assert http["routers"]["www.shop.example.com/"]["tls"] == tls
    assert "to https" not in routes("traefik")["http"]["routers"]
    assert len([p for p in services("traefik")["entry"]["ports"] if "published" in p]) == 1


def test_it_has_the_ports_and_public_services_have_none():
    found = services("{address: 203.0.113.7, email: a@b.example.com}")
    assert found["entry"]["ports"] == [
        {"target": 8080, "published": "80", "host_ip": "203.0.113.7"},
        {"target": 8443, "published": "443", "host_ip": "203.0.113.7"},
        {"target": 9001, "host_ip": "127.0.0.1"},
        {"target": 9002, "host_ip": "127.0.0.1"},
    ]
    assert not any("ports" in found[name] for name in ("web", "api", "jobs"))


def test_it_may_do_nothing_but_lead_and_reaches_public_services_alone():
    both = services("{email: ops@example.com}")
    entry, writer = both["entry"], both["entry-routes"]
    base = rendered("{email: ops@example.com}")["compose/compose.yaml"].data
    for one in (entry, writer):
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
    assert (entry["read_only"], entry["user"]) == (True, "65534:65534")
    assert "cap_add" not in entry
    assert entry["deploy"]["resources"]["limits"] == {"memory": "256m"}
    assert entry["volumes"] == ["routes-entry:/routes:ro", "certificates-entry:/certificates"]
    assert entry["healthcheck"]["test"][:3] == ["CMD", "traefik", "healthcheck"]
    assert (writer["network_mode"], writer["cap_add"]) == ("none", ["CHOWN"])
    members = {
        network: [name for name, said in base["services"].items() if network in said["networks"]]
        for network in base["networks"]
    }
    assert {network: members[network] for network in entry["networks"]} == {
        "entry_web": ["web"],
        "entry_api": ["api"],
    }
    text = json.dumps(both)
    assert "docker.sock" not in text


def test_certificates_by_acme_are_kept_and_their_authority_can_be_another():
    entry = "{email: ops@example.com, issuer: https://acme.example.com/directory}"
    command = services(entry)["entry"]["command"]
    own = "--certificatesresolvers.acme.acme"
    assert f"{own}.email=ops@example.com" in command
    assert f"{own}.caserver=https://acme.example.com/directory" in command
    assert f"{own}.storage=/certificates/acme.json" in command
    assert f"{own}.httpchallenge.entrypoint=http" in command
    assert not any(
        "caserver" in word for word in services("{email: a@b.example.com}")["entry"]["command"]
    )


def test_an_own_certificate_is_read_by_the_script_and_in_no_file():
    found = rendered(OWN)
    script = write(found["compose/secrets.sh"], "")
    assert 'line_of ENTRY_CERTIFICATE "${1:-$(git rev-parse --show-toplevel)}"/' in script
    assert "line_of ENTRY_KEY /etc/shop.key" in script
    text = write(found["compose/compose.prod.yaml"], "")
    assert set(re.findall(r"\$\{(\w+):\?", text)) == {"ENTRY_CERTIFICATE", "ENTRY_KEY"}
    assert "ENTRY_KEY" not in write(rendered("traefik")["compose/secrets.sh"], "")


def test_services_of_the_kit_believe_the_entry_and_no_visitor():
    model = system_of("hello-dd")
    settled = model.file.environments["compose"].model_copy(update={"entry": Entry()})
    file = model.file.model_copy(update={"environments": {"compose": settled}})
    plan = deploy(replace(model, file=file), "compose", KINDS)
    made = {one.path: one for one in artifacts(plan, RENDERERS)}
    found = made["compose/compose.yaml"].data["services"]
    believed = {
        name: one["environment"]["TRUSTED_PROXIES"]
        for name, one in found.items()
        if "TRUSTED_PROXIES" in one.get("environment", {})
    }
    assert believed == {"api-gateway": "172.16.0.0/12,192.168.0.0/16"}
    assert "TRUSTED_PROXIES" not in services("traefik", "compose.yaml")["web"]["environment"]


def test_drills_reach_public_services_at_ports_of_the_entry_and_others_at_their_containers(
    monkeypatch,
):
    plan = planned("traefik")
    ports = {"9001/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49153"}]}
    ports["9002/tcp"] = [{"HostIp": "127.0.0.1", "HostPort": "49154"}]
    there = [replace(c.of(inspected(name)), published={}) for name in ("web", "api", "jobs")]
    told = inspected("entry")
    told["NetworkSettings"]["Ports"] = ports
    project = Project(cast("Docker", None), release(), Path("/nowhere"))
    system = ComposeSystem(Path("tarmac.yaml"), ComposedSystem(project, plan))
    monkeypatch.setattr(ComposeSystem, "_near", lambda _: (*there, c.of(told)))
    assert system._urls() == {"web": "http://127.0.0.1:49153", "api": "http://127.0.0.1:49154"}
    monkeypatch.setattr(ComposeSystem, "_near", lambda _: tuple(there))
    assert system._urls()["web"] == "http://172.18.0.2:3000"


def test_a_release_pins_the_image_of_the_entry_as_any_other():
    found = rendered("traefik")
    files = {name: write(found[f"compose/{name}"], "") for name in (BASE, PRODUCTION)}
    image = versions.read().image("traefik")
    made = released(Release("shop", "production", "shop", files), {image: "traefik:tarmac-aa"})
    assert made.images["entry"] == image
    for name in ("entry", "entry-routes"):
        assert made.services[name]["image"] == "traefik:tarmac-aa"
        assert made.services[name]["labels"]["tarmac.system"] == "shop"
    assert made.ends("entry-routes")
    assert not made.ends("entry")
