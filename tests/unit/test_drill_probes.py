"""The probes of a drill: services that must answer 200 again and again while it lasts."""

from __future__ import annotations

import textwrap
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from experiments_of import exported
from rendered import ROOT, system_of

from tarmac.base.errors import BadInput
from tarmac.drill import explain
from tarmac.drill.file import drill_file
from tarmac.drill.file.sections import Probe
from tarmac.drill.kinds import chaos
from tarmac.drill.running.probes import probing

PROBE = Probe.model_validate({"service": "gateway", "every": "20ms", "timeout": "1s"})
DRILL = """
    drill: 1
    title: The gateway is asked
    load: {journey: order, rate: 1}
    probes:
      - {service: api-gateway, every: 2s}
"""


@pytest.fixture
def gateway():
    """A server that answers with what `statuses` say, one after another, and then with 200."""
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = statuses.pop(0) if statuses else 200
            self.send_response(known if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", statuses
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_service_that_answers_each_time_holds(gateway):
    with probing([PROBE], {"gateway": gateway[0]}) as (probed,):
        time.sleep(0.3)
    check = probed.check()
    assert (check.about, check.what, check.holds) == (
        *("hypothesis", "gateway answers /health", True),
    )
    assert probed.well > 2
    assert check.measured == f"{probed.well} of {probed.well}"


def test_one_other_status_is_enough_to_fail_and_is_named(gateway):
    gateway[1].extend([200, 503])
    with probing([PROBE], {"gateway": gateway[0]}) as (probed,):
        time.sleep(0.3)
    check = probed.check()
    assert not check.holds
    assert check.measured.endswith("; the first unexpected answer: 503")


def test_a_service_that_refuses_connections_fails():
    with probing([PROBE], {"gateway": "http://127.0.0.1:1"}) as (probed,):
        pass
    assert not probed.check().holds
    assert "refused" in probed.check().measured


@pytest.fixture
def read(tmp_path):
    def read(text: str) -> drill_file.DrillFile:
        path = tmp_path / "drill.yaml"
        path.write_text(textwrap.dedent(text).lstrip())
        return drill_file.load(path, system_of("shop"))

    return read


def test_probes_are_explained_in_plain_words(read):
    said = list(explain.sentences(read(DRILL), chaos.DRILL))
    assert "/health of api-gateway is requested every 2s, and must answer 200." in said


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{service: api-gatway}", r"6:.*no service 'api-gatway'; did you mean 'api-gateway'\?"),
        ("{service: api-gateway, path: /}", "6:.*'api-gateway' has two probes; keep one"),
        ("{service: notification-service, path: health}", "6:.*path"),
    ],
)
def test_a_probe_that_cannot_be_asked_is_reported_with_its_line(read, line, problem):
    with pytest.raises(BadInput, match=problem):
        read(f"{DRILL}      - {line}\n")


def test_a_capacity_has_no_probes(read):
    with pytest.raises(BadInput, match="`probes` are not for `kind: capacity`; remove them"):
        read(f"{DRILL}    kind: capacity\n")


@pytest.mark.parametrize("environment", ["kind", "production"])
def test_the_shops_pod_kill_is_written_as_its_roadmap_has_it(environment):
    path = ROOT / "systems/shop/drills/orders-pod-kill.yaml"
    way, engine = exported("litmus", path, environment=environment)
    assert way["spec"]["podSelector"]["matchLabels"].popitem()[1] == "api-gateway"
    (experiment,) = engine["spec"]["experiments"]
    spec = experiment["spec"]
    assert experiment["name"] == "pod-delete"
    assert engine["spec"]["appinfo"]["applabel"].endswith("=order-service")
    assert {one["name"]: one["value"] for one in spec["components"]["env"]} == {
        "TOTAL_CHAOS_DURATION": "30",
        "CHAOS_INTERVAL": "10",
        "PODS_AFFECTED_PERC": "50",
        "FORCE": "false",
    }
    (probe,) = spec["probe"]
    assert probe["mode"] == "Continuous"
    assert probe["httpProbe/inputs"]["url"].startswith("http://api-gateway.")
    assert probe["httpProbe/inputs"]["url"].endswith(":3000/health")
    assert (probe["runProperties"]["interval"], probe["runProperties"]["probeTimeout"]) == (
        *("5s", "5s"),
    )


def test_in_chaos_mesh_a_probe_that_fails_ends_the_shops_pod_kill():
    path = ROOT / "systems/shop/drills/orders-pod-kill.yaml"
    way, workflow = exported("chaos-mesh", path, environment="production")
    (rule,) = way["spec"]["ingress"]
    assert "chaos-mesh" in rule["from"][0]["namespaceSelector"]["matchLabels"].values()
    templates = {one["name"]: one for one in workflow["spec"]["templates"]}
    entry = templates.pop(workflow["spec"]["entry"])
    assert (entry["templateType"], set(entry["children"])) == ("Parallel", templates.keys())
    kinds = {one["templateType"]: one for one in templates.values()}
    assert kinds["Schedule"]["schedule"]["podChaos"]["value"] == "50"
    check = kinds["StatusCheck"]
    assert check["abortWithStatusCheck"]
    assert check["deadline"] == kinds["Schedule"]["deadline"] == "30s"
    assert check["statusCheck"]["intervalSeconds"] == 5
    assert check["statusCheck"]["http"]["url"].endswith(":3000/health")
