"""Every kind of mistake has its own words: what is wrong, with the value, and what to do."""

from __future__ import annotations

import textwrap

import pytest
from demo_system import CATALOG, ORDERS, load_files, problems

from tarmac.base.errors import BadInput
from tarmac.model.disk import missing
from tarmac.model.loader import load

HEAD = "tarmac: 1\nsystem: words\n"


def said(body: str, **parts: str) -> list[str]:
    return [line.partition(" ")[2] for line in problems(HEAD + textwrap.dedent(body), **parts)]


def of_web(more: str) -> list[str]:
    """What is said of a service with one more line."""
    return said(f"services:\n  web:\n    run: [serve]\n    port: 8080\n    {more}\n")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("env: {A: }", ['A has no value; write "" for an empty one']),
        ("env: {A: [1]}", ["A is a list; write text, a number, true or false"]),
        (
            "env: {a-b: 1}",
            ["'a-b' cannot be a name; use letters, digits and '_', no digit first: a_b"],
        ),
        ("env: {PORT: 8080}", ["PORT is given by Tarmac, which listens on the service's port"]),
        ("env:", ["env has no value; write one, e.g. env: {LOG_LEVEL: info}, or remove the line"]),
        ("env: [A=b]", ["env is a list; write keys with values, e.g. env: {LOG_LEVEL: info}"]),
        ("secrets: KEY", ["secrets is 'KEY'; write a list, e.g. secrets: [API_KEY]"]),
        ("secrets: [K, K]", ["secrets has 'K' twice; remove one"]),
        ("calls: web2", ["calls is 'web2'; write a list, e.g. calls: [order-service]"]),
        ("calls: [5]", ["calls has the entry 5; write a service's name"]),
        ("calls: [web]", ["web calls itself; remove the call"]),
        ("calls: [a, a]", ["calls has 'a' twice; remove one of the two"]),
        ("calls: [{web: {retries: -1}}]", ["retries is -1; it must be at least 0"]),
        (
            "calls: [{web: {timeout: 0s}}]",
            ["timeout is '0s'; write a finite duration"],
        ),
        ("publishes: [Placed]", ["entry 1 of publishes is 'Placed'; use lower-case words with"]),
        ("publishes:\n    -", ["publishes.0 has no value"]),
        ("listen: fix", ["listen is 'fix'; did you mean 'fixed'?"]),
        ("isolated: yes", ["isolated is 'yes'; write true or false"]),
        ("replicas: two", ["replicas is 'two'; write a whole number"]),
        ("replicas: 2\n    listen: fixed", ["web has 2 replicas and `listen: fixed`, where only"]),
        ("ports: {http: 1}", ["web has `port` and `ports: {http: ...}`, which are the same; keep"]),
        ("source: x", ["web has both `source` and `run`; keep one"]),
        ("public: yes", ["public is 'yes'; write keys with values, e.g. public: {host: www"]),
        ("public: {paths: [api]}", ["'api' is not a path; begin it with '/'"]),
        ("probe: {}", ["probe has 0 of `http`, `grpc`, `tcp: true`, `command` and `log`; give"]),
        ("probe: {grpc: 5}", ["grpc is 5; write true, or a name"]),
        ("probe: {grpc: }", ["probe has 0 of"]),
        ("probe: {tcp: false}", ["probe has `tcp: false`, which has no effect; remove it, or"]),
        ("probe: {http: health}", ["probe has http 'health'; begin the path with '/'"]),
        (
            'probe: {log: "("}',
            ["probe has log '(', not a regular expression (missing ), unterminated"],
        ),
        ("probe: {command: []}", ["command is empty; name a program, e.g. command: [npm, start]"]),
        ("tasks: {t: {}}", ["t lacks 'run'; add `run: [npm, run, migrate]`"]),
        ("tasks: {t: {run: ''}}", ["run is empty; name a program, e.g. run: [npm, start]"]),
        (
            "tasks: {t: {run: x, schedule: '61 * * * *'}}",
            ["schedule is '61 * * * *', not a schedule (minute 61"],
        ),
        ("volumes: {v: /var/lib}", ["volume 'v' is an absolute path ('/var/lib'); write one"]),
        ("volumes: {v: a/../..}", ["volume 'v' is outside the service's folder ('a/../..')"]),
        ("volumes: {v: 'C:\\x'}", ["volume 'v' is an absolute path ("]),
        ("volumes: {v: ''}", ["volume 'v' has an empty path; write a folder, e.g. var/v"]),
        ("resources: {cpu: }", ["cpu is empty; write an amount, e.g. 0.5, 500m or 256Mi"]),
        ("image: nginx", ["unknown key 'image'; write `run: [PROGRAM, ...]`; a database or cache"]),
        ("depends_on: [db]", ["unknown key 'depends_on'; write `calls: [SERVICE]` or"]),
    ],
)
def test_a_line_of_a_service_that_is_wrong_is_one_error_with_what_to_do(line, expected):
    found = of_web(line)
    assert len(found) == len(expected), found
    for text, want in zip(found, expected, strict=True):
        assert text.startswith(want.replace("publishes.0", "entry 1 of publishes")), text
        assert "; " in text or "?" in text, "it says what to do"


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("[]", "run is empty; name a program"),
        ("''", "run is empty; name a program"),
        ("[python, 8080]", 'entry 2 of run is 8080; put it in quotes: "8080"'),
        ('[serve, "${stores.db.url}"]', "run has '${stores.db.url}', and only `env` takes ref"),
        ('[serve, "${PORT}"]', "run has $PORT, which a list does not replace; write one line"),
        ("[serve, -p, $PORT]", "write one line, which a shell reads: run: serve -p $PORT"),
        ('[serve, "${PORT}"]', 'which a shell reads: run: "serve ${PORT}"'),
        ("5", "run is 5; write a list, e.g. run: [npm, start]"),
    ],
)
def test_a_command_that_cannot_be_run_says_why(run, expected):
    (found,) = said(f"services:\n  web:\n    run: {run}\n")
    assert expected in found


@pytest.mark.parametrize(
    "run", ["serve -p $PORT", '[sh, -c, "serve -p $PORT"]', "[grep, $OTHER]", "[python, -c, $]"]
)
def test_a_shell_puts_variables_in_by_itself(run):
    assert said(f"services:\n  web:\n    run: {run}\n") == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("services:\n", "services has no value; write one, e.g. services: {web: {run: [npm"),
        ("services: [web]\n", "services is a list; write keys with values, e.g. services: {web"),
        ("services:\n  web:\n", "web has no value; write one, e.g. web: {run: [npm, start], por"),
        ("services:\n  Web: {run: x}\n", "'Web' cannot be a name; use a-z, 0-9 and '-', a lett"),
        ("services: {}\nstores: {db: }\n", "db has no value; write one, e.g. db: postgres, or"),
        ("services: {}\nstores: {db: {}}\n", "db lacks 'kind'; add `kind: postgres`"),
        ("services: {}\nversion: 3\n", "unknown key 'version'; remove it; `tarmac: 1` is the"),
        ("services: {}\nstors: {}\n", "unknown key 'stors'; did you mean 'stores'?"),
        (
            "services: {}\nobjectives: [{service: x, availability: 99}]\n",
            "an objective uses unknown service 'x'; add it under `services`",
        ),
        (
            "services: {}\nenvironments: {p: {replicas: {min: 5, max: 2}}}\n",
            "replicas has min 5 above max 2; swap them",
        ),
        (
            "services: {}\nenvironments: {p: {replicas: {min: 3, available: 3}}}\n",
            "3 of 3 must stay, so no node can ever be drained; write `available: 2`",
        ),
        (
            "services: {}\nenvironments: {p: {ingress: {issuer: x}}}\n",
            "`issuer` fills the Secret that `tls` names, and there is no `tls`; add it",
        ),
        (
            "services: {}\nenvironments: {p: {stores: {bd: {disk: 5Gi}}}}\n",
            "environment p uses unknown store 'bd'; add it under `stores`, or choose one of",
        ),
        (
            "services: {web: {run: x}}\nenvironments: {p: {env: {wbe: {A: b}}}}\n",
            "environment p uses unknown service 'wbe'; did you mean 'web'?",
        ),
        (
            "services: {}\nstores: {db: postgres}\nenvironments: {p: {servers: {s: [bd]}}}\n",
            "server s uses unknown store 'bd'; add it under `stores`, or choose one of: db",
        ),
    ],
)
def test_a_section_that_is_wrong_is_one_error_with_what_to_do(body, expected):
    (found,) = said(body)
    assert found.startswith(expected)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("{}", "i lacks `store` and `query`; add it, or `equal: {STORE: SELECT ..., STORE: S"),
        ("{store: db}", "i lacks `query`; add it"),
        ("{query: SELECT 1}", "i lacks `store`; add it"),
        ("{store: db, query: ' '}", "i has an empty query for db; write a SELECT"),
        ("{store: bd, query: x}", "invariant i uses unknown store 'bd'; add it under `stores`, or"),
        ("{equal: {db: x}}", "i has 1 store under `equal`, and two or more are needed; add"),
        ("{equal: {db: x, two: ''}}", "i has an empty query for two; write a SELECT"),
        ("{equal: {db: x, tow: y}}", "invariant i uses unknown store 'tow'; did you mean 'two'?"),
        ("{equal: {db: x, two: y}, store: db}", "i has both `equal` and `store` or `query`; keep"),
        ("{equal: [x, y]}", "equal is a list; write keys with values, e.g. equal: {orders-db: S"),
        ("{equal: {db: x, two: 5}}", 'two is 5; put it in quotes: two: "5"'),
    ],
)
def test_an_invariant_that_cannot_be_asked_says_what_it_lacks(form, expected):
    stores = "services: {}\nstores: {db: postgres, two: postgres}\n"
    (found,) = said(f"{stores}invariants: {{i: {form}}}\n")
    assert found.startswith(expected)


def test_both_sides_of_a_port_clash_have_their_places():
    (found,) = problems(
        HEAD + "services:\n  a: {run: x, port: 80}\n  b: {run: x, ports: {web: 80}}\n"
    )
    assert found.startswith("tarmac.yaml:5:28: b.web and a.http (tarmac.yaml:4:21) both use")


def test_a_call_of_a_service_without_a_port_names_both_places():
    (found,) = said("services:\n  a: {run: x, calls: [b]}\n  b: {run: x}\n")
    assert found.startswith("a calls b, which has no port; add `port: 8080`, say, to b (")
    (found,) = said("services:\n  a: {run: x, env: {B: '${services.b.url}'}}\n  b: {run: x}\n")
    assert "and b has no port" in found


def test_a_store_that_is_called_says_how_it_is_used():
    body = "services:\n  a: {run: x, calls: [db]}\nstores: {db: postgres}\n"
    assert said(body) == [
        "a calls 'db', which is a store; write `env: {X: ${stores.db.url}}`",
    ]


def test_what_is_wrong_in_one_service_hides_nothing_of_another_and_draws_no_conclusions():
    found = said(
        """\
        services:
          a: {run: x, prot: 8080, publishes: [t.one]}
          b: {run: x, port: 81, calls: [a, c], consumes: [t.one], env: {A: "${services.a.url}"}}
        broker: nats
        objectives: [{service: a, availability: 99}]
        """
    )
    assert found == [
        "unknown key 'prot'; did you mean 'port'?",
        "b uses unknown service 'c'; add it under `services`, or choose one of: a",
    ]


def test_a_file_of_junk_has_a_limited_number_of_errors():
    found = said("".join(f"k{number}: 1\n" for number in range(30_000)))
    assert len(found) == 51
    assert found[-1] == "more of the same; correct these first"


def test_a_part_says_what_is_wrong_in_its_own_file():
    body = "services: {o: {source: services/orders}, c: {source: services/catalog}}\n"
    both = said(
        body,
        orders=ORDERS.replace("kind: postgres, ", ""),
        catalog=CATALOG.rstrip() + "\n    run: [a]\n",
    )
    assert both == [
        "part 'catalog' has both of `package` (a kit part) and `run`; give one",
        "db lacks 'kind'; add `kind: postgres`",
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"- a\n", "t.yaml:1:1: the file is a list; begin with `tarmac: ...`"),
        (b"just text\n", "t.yaml:1:1: the file is no mapping; begin with `tarmac: ...`"),
    ],
)
def test_a_file_of_another_shape_says_how_to_begin(raw, expected):
    with pytest.raises(BadInput) as caught:
        load("t.yaml", lambda path: raw)
    assert str(caught.value) == expected


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), IsADirectoryError()])
def test_a_file_that_cannot_be_read_is_no_traceback(error):
    def read(path: str) -> bytes:
        raise error

    with pytest.raises(BadInput, match=r"t\.yaml: cannot be read"):
        load("t.yaml", read)


def test_what_the_disk_lacks_is_found_by_whoever_can_look():
    text = (
        HEAD + "services:\n  a: {run: x, cwd: there}\n  b: {run: x, cwd: nowhere}\n"
        "stores: {db: {kind: postgres, seed: seed.sql}}\n"
    )
    system = load_files({"systems/demo/tarmac.yaml": text.encode()})
    found = missing(system, lambda path: path.endswith("/there"), lambda path: False)
    assert [str(problem) for problem in found] == [
        "systems/demo/tarmac.yaml:5:20: cwd of b is not there ('nowhere'); name a folder that is",
        "systems/demo/tarmac.yaml:6:37: the seed of db is not there ('seed.sql'); correct its path",
    ]
