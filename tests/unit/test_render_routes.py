"""Each public path reaches the service that the model says, as it was asked for."""

from __future__ import annotations

import pytest
from objects import Data, named, objects_of
from rendered import TYPICAL, artifact_of, plan_of

every = pytest.mark.parametrize(("system", "environment"), TYPICAL)


def ingress_backend(ingress: Data, host: str, path: str) -> tuple[str, int] | None:
    """Route as an Ingress does: of the prefixes that fit by whole segments the longest."""
    best, found = -1, None
    for rule in ingress["spec"]["rules"]:
        for routed in rule["http"]["paths"] if rule["host"] == host else ():
            prefix = routed["path"].rstrip("/")
            if (path == prefix or path.startswith(f"{prefix}/")) and len(prefix) > best:
                service = routed["backend"]["service"]
                best, found = len(prefix), (service["name"], service["port"]["number"])
    return found


def flagger_backend(canaries: list[Data], host: str, path: str) -> tuple[str, int] | None:
    """Route as the VirtualService does that Flagger makes of a Canary."""
    for canary in canaries:
        service = canary["spec"]["service"]
        prefixes = [m["uri"]["prefix"] for m in service.get("match", ()) if "uri" in m]
        if host in service["hosts"] and any(path.startswith(prefix) for prefix in prefixes):
            return canary["metadata"]["name"], service["port"]
    return None


def gateway_backend(routes: list[Data], host: str, path: str) -> tuple[str, int] | None:
    """Route as a Gateway does, for requests that come encrypted."""
    best, found = -1, None
    for route in routes:
        if host not in route["spec"].get("hostnames", ()):  # a mesh's has none
            continue
        for rule in route["spec"]["rules"]:
            for match in rule.get("matches", []):
                prefix = match["path"]["value"].rstrip("/")
                if (path == prefix or path.startswith(f"{prefix}/")) and len(prefix) > best:
                    backend, *tried = rule["backendRefs"]
                    assert [ref["weight"] for ref in tried] in ([], [0])
                    name = backend["name"].removesuffix("-stable") if tried else backend["name"]
                    best, found = len(prefix), (name, backend["port"])
    return found


@every
def test_every_public_path_reaches_its_service_and_no_other_path_does(system, environment):
    plan = plan_of(system, environment)
    routes = objects_of(system, environment, "HTTPRoute")
    ingresses = objects_of(system, environment, "Ingress")
    canaries = objects_of(system, environment, "Canary")
    assert bool(routes) is not bool(ingresses)

    def reached(host, path):
        if ingresses:
            by_flagger = flagger_backend(canaries, host, path)
            by_ingress = ingress_backend(ingresses[0], host, path)
            assert None in (by_flagger, by_ingress)
            return by_flagger or by_ingress
        return gateway_backend(routes, host, path)

    public = [(w.name, route) for w in plan.services for route in w.routes]
    assert public
    for name, route in public:
        for path in route.paths:
            deep = f"{path.rstrip('/')}/a/deep/one.js"
            assert reached(route.host, deep) == (name, route.port)
        assert reached("elsewhere.example.org", route.paths[0]) is None


@every
def test_a_path_is_never_rewritten(system, environment):
    for manifest in objects_of(system, environment, "Ingress"):
        # Nothing but limits is annotated.
        for name in manifest["metadata"].get("annotations", {}):
            assert "/limit-" in name or name.endswith("-body-size")
    for manifest in objects_of(system, environment, "HTTPRoute"):
        kinds = {f["type"] for r in manifest["spec"]["rules"] for f in r.get("filters", [])}
        assert kinds <= {"RequestRedirect"}


def test_trading_has_its_one_ingress_with_both_services_on_one_host():
    ingress = named("trading", "production", "Ingress", "trading-ingress")
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"] == [{"hosts": ["app.yourdomain.com"], "secretName": "tls-secret"}]
    (rule,) = ingress["spec"]["rules"]
    paths = [
        (p["path"], p["pathType"], p["backend"]["service"]["name"]) for p in rule["http"]["paths"]
    ]
    assert paths == [("/api", "Prefix", "api-gateway"), ("/", "Prefix", "web-ui")]
    assert ingress_backend(ingress, "app.yourdomain.com", "/api/users/me") == ("api-gateway", 8000)
    assert ingress_backend(ingress, "app.yourdomain.com", "/apis") == ("web-ui", 3000)
    notes = artifact_of("trading", "production", "k8s/base/ingress-ingress.yaml").notes
    assert "retired in March 2026" in notes[0]


def test_the_shops_gateway_answers_its_roadmaps_host_and_path_in_class_istio():
    ingress = named("shop", "production", "Ingress", "shop-ingress")
    assert ingress["spec"]["ingressClassName"] == "istio"
    assert ingress_backend(ingress, "api.ecommerce.example.com", "/api/users") is None
    canary = named("shop", "production", "Canary", "api-gateway")
    asked = ([canary], "api.ecommerce.example.com", "/api/users")
    assert flagger_backend(*asked) == ("api-gateway", 3000)


def test_a_gateway_stands_where_its_pods_are_and_takes_routes_of_its_system_only():
    gateway = named("travel", "prod", "Gateway", "travel-prod-gateway")
    assert gateway["metadata"]["namespace"] == "istio-ingress"
    listeners = {entry["name"]: entry for entry in gateway["spec"]["listeners"]}
    for entry in listeners.values():
        allowed = entry["allowedRoutes"]["namespaces"]["selector"]["matchLabels"]
        assert allowed == {"kubernetes.io/metadata.name": "travel-prod"}
    routes = objects_of("travel", "prod", "HTTPRoute")
    for route in [route for route in routes if "hostnames" in route["spec"]]:
        (parent,) = route["spec"]["parentRefs"]
        listener = listeners[parent["sectionName"]]
        assert [listener["hostname"]] == route["spec"]["hostnames"]
        redirects = "filters" in route["spec"]["rules"][0]
        assert (listener["protocol"] == "HTTP") is redirects


def test_the_certificate_of_a_gateway_is_made_where_the_gateway_reads_it():
    gateway = named("travel", "prod", "Gateway", "travel-prod-gateway")
    certificate = named("travel", "prod", "Certificate", "travel-tls")
    assert certificate["metadata"]["namespace"] == gateway["metadata"]["namespace"]
    ingress = named("trading", "production", "Ingress", "trading-ingress")
    certificate = named("trading", "production", "Certificate", "tls-secret")
    assert certificate["metadata"]["namespace"] == ingress["metadata"]["namespace"]


def test_an_nginx_ingress_limits_what_no_service_behind_it_would_take():
    ingress = named("trading", "production", "Ingress", "trading-ingress")
    said = ingress["metadata"]["annotations"]
    for name in ("nginx.ingress.kubernetes.io/proxy-body-size", "nginx.org/client-max-body-size"):
        assert said[name] == str(1024 * 1024)
    # The gateway has a limit of its own, the web pages the kit's, which is larger.
    assert said["nginx.ingress.kubernetes.io/limit-rps"] == "1000"
    assert said["nginx.org/limit-req-rate"] == "1000r/s"
    assert said["nginx.org/limit-req-reject-code"] == "429"
    elsewhere = named("shop", "production", "Ingress", "shop-ingress")
    assert not any("nginx" in name for name in elsewhere["metadata"].get("annotations", {}))
