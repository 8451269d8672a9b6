"""Write the generated pages, .env.example and the lists of services from what they describe.

Called by `make docs`, and for comparison by tests/architecture/. It reads committed files only.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import api_documents
import book_pages
import click
import measured_tables
import reference_tables
import security_controls
import status_tables
import yaml

from tarmac.base import registry
from tarmac.catalog import stores
from tarmac.check import gates
from tarmac.cli.main import tarmac
from tarmac.drill import game_day
from tarmac.drill.file.drill_file import drill_schema
from tarmac.model.schema import part_schema, system_schema
from tarmac.render.renderer import PHASES

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
TESTING = ROOT / "docs" / "how-to" / "test-the-whole-system.md"
SPELLED = {"finops": "FinOps", "gitops": "GitOps"}

STORES_BEGIN = "<!-- stores: written by `make docs` from src/tarmac/catalog/stores/ -->\n"
STORES_END = "<!-- end of stores -->"

COMMANDS_INTRODUCTION = """\
<!-- Written by `make docs` from the command itself. -->
# Commands
"""

GATES_INTRODUCTION = """\
<!-- Written by `make docs` from src/tarmac/check/gates/; edit those files. -->
# Gates

What `tarmac verify` checks in a system and its rendered tree, beyond the tools for one kind of
file. `tarmac explain ID` prints a gate, and how to suppress one of its findings until a date.
A * marks the gates that need no model: `tarmac verify --files DIR` runs them on any folder. Those
with a + judge what runs: `tarmac verify --target cluster` asks them, too.
"""

ENV_INTRODUCTION = """\
# Written by `make docs` from services/*/service.yaml; edit those.
#
# Every variable that you may set, with its default. The plan gives a service all others: address,
# stores, roles, topics. In a system's tarmac.yaml a value stands under the service's `env`; without
# Tarmac it is an ordinary environment variable. Secrets belong in a file .env beside tarmac.yaml,
# which git ignores; one that is not there is generated for this machine.

"""

#: What the kit reads in every service, apart from what the plan gives.
KIT_SETTINGS = {
    "LOG_LEVEL": ("info", "debug, info, warning or error."),
    "LOG_FORMAT": ("json", "json, or console for reading by eye."),
    "SENTRY_DSN": ("", "Where errors are sent, in Sentry's protocol; nowhere when empty."),
    "SENTRY_ENVIRONMENT": ("local", "The environment that is in each of them."),
    "SENTRY_RELEASE": ("unknown", "The release that is in each of them."),
    "OTEL_EXPORTER_OTLP_ENDPOINT": (
        "",
        "Where spans are sent, http://HOST:4318; nowhere when empty.",
    ),
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": ("", "The same with its path, which wins."),
    "OTEL_EXPORTER_OTLP_HEADERS": ("", "Secret. NAME=VALUE,NAME=VALUE of each of those requests."),
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS": ("", "Secret. The same, which wins."),
    "OTEL_EXPORTER_OTLP_PROTOCOL": ("http/json", "The one that is spoken; another is an error."),
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": ("http/json", "The same."),
    "OTEL_EXPORTER_OTLP_TIMEOUT": ("10000", "Milliseconds that one of those requests may take."),
    "OTEL_SERVICE_NAME": ("", "The service that spans are of; SERVICE_NAME when empty."),
    "OTEL_RESOURCE_ATTRIBUTES": ("", "What else they are of: NAME=VALUE,NAME=VALUE."),
    "OTEL_TRACES_SAMPLER": (
        "parentbased_always_on",
        "Which traces are sent: parentbased_traceidratio for a part of those that begin here.",
    ),
    "OTEL_TRACES_SAMPLER_ARG": ("1.0", "That part, from 0 to 1."),
    "OTEL_BSP_SCHEDULE_DELAY": ("5000", "Milliseconds after which spans go that fill no batch."),
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": ("512", "Spans in a batch."),
    "OTEL_BSP_MAX_QUEUE_SIZE": ("2048", "Spans that wait; what comes when it is full is dropped."),
    "OTEL_TRACES_EXPORTER": ("otlp", "none: no spans are sent, whatever the address."),
    "OTEL_SDK_DISABLED": ("false", "true: the same."),
    "ALLOWED_ORIGINS": (
        "",
        "Origins besides its own whose pages may send what changes something, separated by commas.",
    ),
    "DRAIN_DELAY_S": ("0.2", "Seconds between SIGTERM and the end of accepting."),
    "SHUTDOWN_GRACE_S": ("8.0", "Seconds that requests in flight have to finish after that."),
    "MAX_BODY_BYTES": (
        "1048576",
        "The largest request body (413); 0 is not a limit, here and below.",
    ),
    "MAX_JSON_DEPTH": ("64", "Brackets within brackets in a JSON body (400)."),
    "BODY_TIMEOUT_S": ("60.0", "Seconds in which a request's body has to be there (408)."),
    "MAX_REQUESTS_IN_FLIGHT": ("256", "Requests at once, streams of events not counted (503)."),
    "RATE_LIMIT_PER_MINUTE": (
        "60000",
        "Requests a minute of each caller and of each address, per process (429).",
    ),
    "RATE_LIMIT_BURST": ("2000", "Requests of them that may come at once."),
    "TRUSTED_PROXIES": ("", "Networks whose X-Forwarded-For is believed, separated by commas."),
    "DATABASE_POOL_MAX": ("10", "Connections that one process opens to one database."),
    "DATABASE_ACQUIRE_TIMEOUT_S": ("2.0", "Seconds a request waits for one of them (503)."),
    "DATABASE_CONNECTION_MAX_AGE_S": (
        "300.0",
        "Seconds after which a connection to a database is renewed; a balancer may choose again.",
    ),
    "REDIS_CONNECTION_MAX_AGE_S": ("300.0", "The same for connections to a Redis."),
    "OUTBOX_KEEP_S": ("86400", "Seconds that a published outbox row is kept."),
    "OUTBOX_RELAY": (
        "kit",
        "kit: this service publishes its outbox. capture: another one reads it from the log.",
    ),
    "CAPTURE_SLOT": ("", "The replication slot that reads the log; tarmac_<database> when empty."),
    "CAPTURED_TABLES": ("", "Tables whose changes are published too, separated by commas."),
    "INBOX_KEEP_S": ("1209600", "Seconds that an inbox row is kept; longer than the broker keeps."),
    "MESSAGE_ATTEMPTS": ("20", "After how many failures a message is dead-lettered."),
    "PARKED_KEEP_S": ("2592000", "Seconds that a dead-lettered message is kept."),
    "JOBS_AT_ONCE": ("16", "How many jobs run at once in one process."),
    "JOBS_KEEP_S": (
        "604800",
        "Seconds that a job is kept that is done; a dead-lettered one stays.",
    ),
    "SAGAS_KEEP_S": ("2592000", "Seconds that a saga is kept that has ended."),
}


def env_example(parts: list[dict[str, Any]]) -> str:
    """Return .env.example for the parts' service.yaml contents: settings, then secrets, of each."""
    sections = [ENV_INTRODUCTION, "# --- every service\n"]
    sections += [_variable(name, *spec) for name, spec in KIT_SETTINGS.items()]
    for part in parts:
        settings = {
            key: spec for key, spec in (part.get("settings") or {}).items() if "default" in spec
        }
        secrets = part.get("secrets") or {}
        if settings or secrets:
            sections.append(f"\n# --- {part['part']}\n")
        sections += [_variable(k, str(s["default"]), s["about"]) for k, s in settings.items()]
        sections += [_variable(k, "", f"Secret. {s['about']}") for k, s in secrets.items()]
    return "".join(sections)


def commands_page() -> str:
    """Return docs/reference/commands.md: every verb's own help."""
    context = click.Context(
        tarmac, info_name="tarmac", terminal_width=80, **tarmac.context_settings
    )
    parts = [COMMANDS_INTRODUCTION, f"```text\n{tarmac.get_help(context)}\n```\n"]
    for name in tarmac.list_commands(context):
        verb = tarmac.get_command(context, name)
        if verb is None:
            continue
        inner = click.Context(verb, parent=context, info_name=name)
        parts.append(f"## {name}\n\n```text\n{verb.get_help(inner)}\n```\n")
    return "\n".join(parts)


def gates_page() -> str:
    """Return docs/reference/gates.md: every gate by its phase."""
    known = list(registry.load(gates, "GATE").values())
    parts = [GATES_INTRODUCTION]
    for phase in sorted({gate.phase for gate in known}, key=PHASES.index):
        parts.append(f"## {SPELLED.get(phase, phase.capitalize())}\n")
        rows = [
            f"| {gate.id}{' *' if gate.of_files else ''}{' +' if gate.observes else ''} "
            f"| {gate.title} | {gate.scope.unit} | {gate.reads} | {gate.source} |"
            for gate in sorted(known, key=lambda gate: gate.id)
            if gate.phase == phase
        ]
        head = ["| Gate | What holds | It judges | It reads | Why |", "|---|---|---|---|---|"]
        parts.append("\n".join([*head, *rows]) + "\n")
    return "\n".join(parts)


def import_rule(packages: list[str]) -> str:
    """Return .importlinter with every list of the services' packages."""
    own = "".join(f"    {package}\n" for package in packages)
    text = (ROOT / ".importlinter").read_text(encoding="utf-8")
    return re.sub(r"(?:^    tarmac_(?!kit(?:_testing)?$)\w+\n)+", own, text, flags=re.MULTILINE)


def project_lists(folders: list[Path]) -> str:
    """Return pyproject.toml with the services as sources, for development and for mypy."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    names = [f"tarmac-{folder.name}" for folder in folders]
    sources = "".join(f"{name} = {{ workspace = true }}\n" for name in names)
    text = re.sub(
        r"(?:^tarmac-(?!kit[ -])[\w-]+ = \{ workspace = true \}\n)+",
        sources,
        text,
        flags=re.MULTILINE,
    )
    own = "".join(f'    "{name}",\n' for name in names)
    text = re.sub(r'(?:^    "tarmac-(?!kit)[\w-]+",\n)+', own, text, flags=re.MULTILINE)
    paths = ", ".join(f'"services/{folder.name}"' for folder in folders)
    return re.sub(r'"services/\w+"(?:, "services/\w+")+(?=.*"systems")', paths, text)


def commit_rule(folders: list[Path]) -> str:
    """Return .githooks/rule.json with a scope for each service."""
    rule = json.loads((ROOT / ".githooks/rule.json").read_text(encoding="utf-8"))
    names = [folder.name for folder in folders]
    rule["scopes"] += [name for name in names if name not in rule["scopes"]]
    return json.dumps(rule, indent=2) + "\n"


def testing_page() -> str:
    """Return docs/how-to/test-the-whole-system.md with its table of what goes back."""
    text = TESTING.read_text(encoding="utf-8")
    head, begin, rest = text.partition(STORES_BEGIN)
    _, end, tail = rest.partition(STORES_END)
    kinds = sorted(registry.load(stores, "STORE").values(), key=lambda kind: kind.title.lower())
    rows = [f"| {kind.title} | {kind.reset.what} |" for kind in kinds if kind.reset]
    table = "\n".join(["| Store | What goes back |", "|---|---|", *rows]) + "\n"
    return f"{head}{begin}{table}{end}{tail}"


def _variable(name: str, default: str, about: str) -> str:
    return f"# {' '.join(about.split())}\n# {name}={default}\n"


def generated() -> dict[Path, str]:
    """Return every generated file with its content."""
    parts = [_read(path) for path in sorted(ROOT.glob("services/*/service.yaml"))]
    entries, record = book_pages.read()
    services = [path.parent for path in sorted(ROOT.glob("services/*/pyproject.toml"))]
    packages = sorted(path.parent.name for path in ROOT.glob("services/*/tarmac_*/__init__.py"))
    return {
        ROOT / ".importlinter": import_rule(packages),
        ROOT / "pyproject.toml": project_lists(services),
        ROOT / ".githooks/rule.json": commit_rule(services),
        book_pages.RECORD: book_pages.written(record),
        REFERENCE / "requirements.md": book_pages.requirements_page(entries, record, SPELLED),
        REFERENCE / "security-controls.md": security_controls.page(
            _read(ROOT / "tests/security-controls.yaml")
        ),
        REFERENCE / "gates.md": gates_page(),
        REFERENCE / "commands.md": commands_page(),
        TESTING: testing_page(),
        REFERENCE / "keys.md": reference_tables.keys_page(),
        REFERENCE / "stores.md": reference_tables.stores_page(),
        REFERENCE / "renderers.md": reference_tables.renderers_page(SPELLED),
        REFERENCE / "faults.md": reference_tables.faults_page(),
        REFERENCE / "kit.md": reference_tables.kit_page(),
        REFERENCE / "tarmac.schema.json": json.dumps(system_schema(), indent=2) + "\n",
        REFERENCE / "service.schema.json": json.dumps(part_schema(), indent=2) + "\n",
        REFERENCE / "drill.schema.json": json.dumps(drill_schema(), indent=2) + "\n",
        REFERENCE / "game-day.schema.json": json.dumps(game_day.schema(), indent=2) + "\n",
        ROOT / ".env.example": env_example(parts),
        **{
            ROOT / f"systems/{system}/proofs.yaml": book_pages.system_proofs(
                entries, record, system
            )
            for system in book_pages.SYSTEMS
        },
        **{
            path: measured_tables.filled(text)
            for path, text in status_tables.status_pages(entries, record).items()
        },
        **api_documents.documents(ROOT),
    }


def main() -> None:
    """Write every generated file, and say which ones changed."""
    for path, text in generated().items():
        changed = not path.exists() or path.read_text(encoding="utf-8") != text
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {'written' if changed else 'unchanged'}")


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
