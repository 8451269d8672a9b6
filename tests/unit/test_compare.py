"""What each edit of a model means to a reviewer: its risk, and the words."""

from __future__ import annotations

import json

import pytest
from compared import ENVIRONMENTS, compared, comparison, edited, said
from demo_system import DEMO, FILE, files

from tarmac.base.errors import BadInput
from tarmac.change.compare.change import Risk, as_data
from tarmac.change.compare.markdown import LONGEST, markdown

BASE = DEMO + ENVIRONMENTS

ONE_EDIT = {
    "a public route": (
        ("port: 8000\n", "port: 8000\n        public: {host: shelf, paths: [/api]}\n"),
        ["high route product-service: now public at `https://shelf.demo.example.com/api`"],
    ),
    "another host": (
        ("public: {host: www", "public: {host: web"),
        ["high route web: public host `www.demo.example.com` -> `web.demo.example.com`"],
    ),
    "a call more": (
        ("port: 8000\n", "port: 8000\n        calls: [web]\n"),
        ["high edge web: may now be called by `product-service` (new edge, port 8080)"],
    ),
    "a slower call": (
        ("timeout: 2500ms, retries: 3", "timeout: 4s, retries: 3"),
        ["low call order-service: calls `product-service`: timeout 2.5 -> 4 s"],
    ),
    "more retries": (
        ("timeout: 2500ms, retries: 3", "timeout: 2500ms, retries: 5"),
        ["medium call order-service: calls `product-service`: retries 3 -> 5"],
    ),
    "fewer replicas": (
        ("min: 3, max: 9", "min: 2, max: 9"),
        [
            ("high scale order-service,payment-service,product-service,web: replicas 3 to 9 -> "
            "2 to 9; kept while nodes are drained 2 -> 1")
        ],
    ),
    "another threshold": (
        ("cpu: 70}", "cpu: 90}"),
        [
            ("medium scale order-service,payment-service,product-service,web: grows above 70 % -> "
            "90 % of its cpu")
        ],
    ),
    "another port": (
        ("port: 3003", "port: 3033"),
        ["medium port order-service: port http 3003 -> 3033"],
    ),
    "a variable": (
        ("JWT_ISSUER: https://${system.domain}", "JWT_ISSUER: https://id.example.com"),
        [
            ("low variable order-service,payment-service,product-service,web: variable "
            "`JWT_ISSUER` `https://demo.example.com` -> `https://id.example.com`")
        ],
    ),
    "a domain": (
        ("domain: demo.example.com", "domain: demo.example.org"),
        ["high route web: public host `www.demo.example.com` -> `www.demo.example.org`"],
    ),
    "an event less": (
        ("consumes: [order.placed]", "consumes: []"),
        ["medium topic payment-service: no longer consumes `order.placed`"],
    ),
    "a version of a store": (
        ("orders-db: postgres", 'orders-db: {kind: postgres, version: "19"}'),
        [
            "high store orders-db: version `18` -> `19`",
            "medium store orders-db: version `any` -> `19`",
        ],
    ),
    "a store that the cloud keeps no longer": (
        ("{rds: [orders-db]}", "{}"),
        [
            "high store orders-db: managed on server `rds` -> in the cluster",
            ("medium variable web: variable `STORE` `<secret stores/orders-db/web/url>` -> "
            "`postgresql://web:<secret stores/orders-db/web>@orders-db:5432/orders`"),
            "low policy order-service,web: NetworkPolicy no longer lets out to `10.0.0.0/16`",
        ],
    ),
    "a zone less": (
        ("zones: 3", "zones: 2"),
        ["high setting demo: 3 zones -> 2"],
    ),
    "an image's tag": (
        ("zones: 3", "zones: 3\n        version: 0.2.0"),
        [
            ("low image order-service,payment-service,product-service,web: image tag `0.1.0` -> "
            "`0.2.0`")
        ],
    ),
    "memory": (
        ("zones: 3", "zones: 3\n        resources: {limits: {cpu: 500m, memory: 64Mi}}"),
        [
            ("medium resources broker,cache,order-service,payment-service,product-service,web: "
            "memory limit `512Mi` -> `64Mi`")
        ],
    ),
    "a quota": (
        ("zones: 3", "zones: 3\n        quota: {cpu: 4}"),
        ["medium quota demo: quota of cpu `nothing` -> `4`"],
    ),
    "a checklist that is asked": (
        ("zones: 3", "zones: 3\n        checklist: true"),
        ["low setting demo: checklist `false` -> `true`"],
    ),
    "an owner": (
        ("domain: demo", "owner: shelf\n    domain: demo"),
        ["low setting demo: owner `demo` -> `shelf`"],
    ),
    "an objective": (
        ("broker: nats", "broker: nats\n    objectives: [{service: web, availability: 99.9}]"),
        ["low objective web: new objective `availability over 30d`: 99.9 %"],
    ),
    "a volume": (
        ("port: 8080\n", "port: 8080\n        volumes: {up: var/up}\n"),
        [
            "high scale web: replicas 3 to 9 -> 1; kept while nodes are drained 2 -> 0",
            "medium rollout web: pods are replaced by `RollingUpdate` -> `Recreate`",
            "low volume web: new volume `up` at `/var/lib/volumes/web/up`",
            (
                "low other web: Deployment: `spec.template.spec.tolerations` removed (was `[{key: "
                "node.kubernetes.io/not-ready, operator: Exists, effec ... operator: Exists, "
                "effect: NoExecute, tolerationSeconds: 30}]`)"
            ),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("edit", ONE_EDIT)
def test_an_edit_is_reported_by_what_it_means(edit):
    pair, expected = ONE_EDIT[edit]
    found = said(compared(BASE, edited(BASE, pair)))
    assert found == expected


def test_a_checklist_that_is_no_longer_asked_is_a_high_risk():
    pair, _ = ONE_EDIT["a checklist that is asked"]
    (change,) = said(compared(edited(BASE, pair), BASE))
    assert change == "high setting demo: checklist `true` -> `false`"


def test_the_zones_and_places_of_a_change_are_named():
    (change,) = compared(BASE, edited(BASE, ("min: 3", "min: 2")))
    assert change.told.why == "one lost zone now leaves one"
    assert change.environments == ("production",)
    assert change.places == (f"{FILE}:37:5",)


def test_a_public_address_of_many_environments_is_reported_once_with_all_its_hosts():
    new = edited(BASE, ("port: 8000\n", "port: 8000\n        public: {host: shelf}\n"))
    new = edited(new, ("kind: {}", "kind: {domain: k.example.org}"))
    old = edited(BASE, ("kind: {}", "kind: {domain: k.example.org}"))
    (change,) = compared(old, new)
    assert change.environments == ("production", "kind")
    assert change.fact == (
        "now public at `https://shelf.demo.example.com/` and `https://shelf.k.example.org/`"
    )


NEW_SERVICE = """
      price-service:
        run: [serve]
        port: 4000
        volumes: {cache: var/cache}
        env: {MOOD: calm, STORE: "${stores.orders-db.url}"}
      web:
    """.rstrip(" ")


def test_a_new_service_is_one_line_and_what_it_may_reach_another():
    new = edited(BASE, ("\n      web:\n", NEW_SERVICE))
    assert said(compared(BASE, new)) == [
        "high edge orders-db: may now be used by `price-service` (new edge, port 5432)",
        "medium service price-service: new service: port http 4000; uses orders-db",
    ]
    assert said(compared(new, BASE)) == [
        "high service price-service: removed",
        "high volume price-service: data volume `cache` removed",
        "low edge orders-db: may no longer be used by `price-service`",
    ]


def test_an_environment_of_one_side_only_is_one_line():
    new = edited(BASE, ("kind: {}", "kind: {}\n      staging: {domain: s.example.com}"))
    assert said(compared(BASE, new)) == [
        (
            "high environment staging: new environment: 4 services, 3 stores, public at "
            "`www.s.example.com/`"
        )
    ]
    assert said(compared(new, BASE)) == [
        (
            "high environment staging: environment removed: 4 services, 3 stores, public at "
            "`www.s.example.com/`"
        )
    ]


def test_a_system_of_one_side_only_is_reported():
    assert [change.what for change in comparison({}, files(BASE)).changes] == ["system"]
    (gone,) = comparison(files(BASE), {}).changes
    assert (gone.told.risk, gone.verb, gone.subjects) == (Risk.HIGH, "removed", ("demo",))
    assert gone.environments == ("production", "kind")


def test_a_model_that_does_not_load_is_reported_with_the_side_that_it_is_of():
    wrong = edited(BASE, ("stores: {db: orders-db", "stores: {db: orders-bd"))
    with pytest.raises(BadInput) as told:
        compared(wrong, BASE)
    assert str(told.value).startswith(f"main:{FILE}:17:18: order-service uses unknown store")


def test_an_environment_that_cannot_be_planned_is_reported_with_its_side():
    with pytest.raises(BadInput) as told:
        compared(BASE, edited(BASE, ("cache: {kind: redis", "cache: {kind: mail"), ('"7"', '""')))
    assert str(told.value).startswith(f"working tree:{FILE}:")


@pytest.mark.parametrize(
    "edit", [("broker: nats", "  more: oracle\n    broker: nats"), ("nats", "redis")]
)
def test_a_store_or_broker_of_an_unknown_kind_is_reported_with_its_place(edit):
    with pytest.raises(BadInput, match=r"^main:systems/demo/tarmac.yaml:3\d:\d: .* unknown kind '"):
        compared(edited(BASE, edit), BASE)


def test_a_system_without_an_environment_is_noted():
    found = comparison(files(DEMO), files(edited(DEMO, ("port: 8000", "port: 8001"))))
    assert found.changes == ()
    assert found.notes == ("demo has no environment, so no files are rendered to compare",)
    assert "Note: demo has no environment" in markdown(found)


def test_a_secret_is_shown_by_its_path_only_and_one_that_becomes_plain_is_high():
    old = edited(BASE, ("        port: 8080\n", "        port: 8080\n        secrets: [TOKEN]\n"))
    new = edited(BASE, ("          ORDERS", "          TOKEN: hush\n          ORDERS"))
    (change,) = compared(old, new)
    assert said((change,)) == [
        "high variable web: variable `TOKEN` `<secret services/web/TOKEN>` -> `hush`"
    ]


def test_json_output_has_a_schema_and_every_reported_change():
    found = comparison(files(BASE), files(edited(BASE, ("min: 3", "min: 2"))))
    data = json.loads(json.dumps(as_data(found)))
    assert data["schema"] == 1
    assert data["counts"] == {"high": 1, "medium": 0, "low": 0}
    assert data["systems"] == {"demo": ["production", "kind"]}
    (change,) = data["changes"]
    assert {key: change[key] for key in ("risk", "what", "verb", "old", "new")} == {
        "risk": "high",
        "what": "scale",
        "verb": "changed",
        "old": "3 to 9",
        "new": "2 to 9",
    }
    assert change["places"] == [f"{FILE}:37:5"]


def test_values_are_no_markdown_and_no_mention():
    new = edited(
        BASE, ("          ORDERS", "          MOOD: 'a `b` @team\n\n\n  # c'\n          ORDERS")
    )
    written = markdown(comparison(files(BASE), files(new)))
    assert "``  a `b` @team # c  ``".replace("  ", " ") in written.replace("  ", " ")


def test_a_comment_is_never_longer_than_a_forge_takes():
    many = "".join(f"          V{n}: '{'x' * 100}{n}'\n" for n in range(900))
    new = edited(BASE, ("          ORDERS", f"{many}          ORDERS"))
    written = markdown(comparison(files(BASE), files(new)))
    assert len(written) <= LONGEST + 200
    assert "`--json` has" in written
    assert written.count("<details>") == written.count("</details>")


def test_of_a_long_value_the_part_is_shown_that_is_not_the_same():
    hosts = [f"https://a{n}.example.com" for n in range(20)]
    old, new = (", ".join(listed) for listed in (hosts, [*hosts[:9], "https://evil", *hosts[9:]]))
    sides = (
        edited(BASE, ("ORDERS", f"CORS: {allowed}\n          ORDERS")) for allowed in (old, new)
    )
    (line,) = said(compared(*sides))
    assert "https://evil, https://a" in line
    assert len(line) < 200


def test_a_declared_call_along_an_existing_edge_is_reported_without_a_new_edge():
    new = edited(BASE, ("public: {host: www", "calls: [order-service]\n        public: {host: www"))
    assert said(compared(BASE, new)) == [
        "low call web: now calls `order-service` by name (timeout 2 s, retries 1)"
    ]


def test_another_kind_of_broker_is_one_line():
    new = edited(BASE, ("zones: 3", "zones: 3\n        broker: rabbitmq"))
    assert said(compared(BASE, new)) == ["high store broker: `nats 2` -> `rabbitmq 4`"]


def test_a_task_is_reported_with_when_it_runs():
    task = "port: 8080\n        tasks: {tidy: {run: [tidy], schedule: '0 3 * * *'}}\n"
    nightly = edited(BASE, ("port: 8080\n", task))
    hourly = edited(nightly, ("0 3 *", "0 * *"))
    assert said(compared(BASE, nightly)) == [
        "medium task web: new task `tidy` at `0 3 * * *`: `tidy`"
    ]
    assert said(compared(nightly, hourly)) == [
        "low schedule web: task `tidy`: `0 3 * * *` -> `0 * * * *`"
    ]
