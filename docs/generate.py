"""Write the generated pages under docs/reference/ and .env.example from what they describe.

Called by `make docs`, and for comparison by tests/architecture/. It reads committed files only.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import click
import yaml

from tarmac import gates, registry
from tarmac.cli.main import tarmac
from tarmac.model.schema import part_schema, system_schema
from tarmac.render._renderer import PHASES

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
STATUSES = ("done", "partly", "open")
LEVELS = ("rendered", "valid", "tested", "applied", "observed")
SPELLED = {"finops": "FinOps", "gitops": "GitOps"}

INTRODUCTION = """\
<!-- Written by `make docs` from tests/requirements.yaml; edit that file. -->
# Requirements

What the five systems have to show, entry by entry, with the proofs that stand today. *done* and
*partly* name tests, gates or figures that run with `make test` and `make bench`; *partly* says what
is missing. Everything else is *open*, and nothing is claimed for it.
"""

COMMANDS_INTRODUCTION = """\
<!-- Written by `make docs` from the command itself. -->
# Commands
"""

GATES_INTRODUCTION = """\
<!-- Written by `make docs` from src/tarmac/gates/; edit those files. -->
# Gates

What `tarmac verify` holds a system and its rendered tree to: what no tool for one kind of file can
see. `tarmac explain ID` prints a gate with how to bear one of its findings until a day. A * marks
those that need no model: `tarmac verify --files DIR` asks them of any folder's files as they lie.
"""

ENV_INTRODUCTION = """\
# Written by `make docs` from services/*/service.yaml; edit those.
#
# Every variable that you may set, with its default. The plan gives a service all others: address,
# stores, roles, topics. In a system's tarmac.yaml a value stands under the service's `env`; without
# Tarmac it is an ordinary environment variable. Secrets belong in a file .env beside tarmac.yaml,
# which git ignores; one that is not there is made up for this machine.

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
    "DRAIN_DELAY_S": ("0.2", "Seconds between SIGTERM and the end of accepting."),
    "SHUTDOWN_GRACE_S": ("8.0", "Seconds that requests in flight have to finish after that."),
    "DATABASE_POOL_MAX": ("10", "Connections that one process opens to one database."),
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
    "CAPTURE_SLOT": ("", "The slot of who reads the log; tarmac_<database> when empty."),
    "CAPTURED_TABLES": ("", "Tables whose changes are published too, separated by commas."),
    "INBOX_KEEP_S": ("1209600", "Seconds that an inbox row is kept; longer than the broker keeps."),
    "MESSAGE_ATTEMPTS": ("20", "After how many failures a message is parked."),
    "PARKED_KEEP_S": ("2592000", "Seconds that a parked message is kept."),
    "JOBS_AT_ONCE": ("16", "How many jobs run at once in one process."),
    "JOBS_KEEP_S": ("604800", "Seconds that a job is kept that is done; a parked one stays."),
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
            f"| {gate.id}{' *' if gate.of_files else ''} | {gate.title} | {gate.looks_at} "
            f"| {gate.source} |"
            for gate in sorted(known, key=lambda gate: gate.id)
            if gate.phase == phase
        ]
        head = ["| Gate | What holds | What it looks at | Why |", "|---|---|---|---|"]
        parts.append("\n".join([*head, *rows]) + "\n")
    return "\n".join(parts)


def _variable(name: str, default: str, about: str) -> str:
    return f"# {' '.join(about.split())}\n# {name}={default}\n"


def requirements_page(entries: list[dict[str, Any]]) -> str:
    """Return the page for the entries of tests/requirements.yaml, as Markdown."""
    phases = list(dict.fromkeys(entry["phase"] for entry in entries))
    parts = [INTRODUCTION, _summary(entries, phases), _reached(entries)]
    for phase in phases:
        parts.append(f"## {SPELLED.get(phase, phase.capitalize())}\n")
        rows = [_row(entry) for entry in entries if entry["phase"] == phase]
        head = ["| Entry | Systems | What | Status | Level | Proofs |", "|---|---|---|---|---|---|"]
        parts.append("\n".join([*head, *rows]) + "\n")
        notes = [
            f"- **{entry['id']}**: {' '.join(entry['note'].split())}"
            for entry in entries
            if entry["phase"] == phase and entry.get("note")
        ]
        if notes:
            parts.append("\n".join(notes) + "\n")
    return "\n".join(parts)


def _summary(entries: list[dict[str, Any]], phases: list[str]) -> str:
    lines = [f"| Phase | {' | '.join(STATUSES)} |", "|---|" + "---:|" * len(STATUSES)]
    for phase in phases:
        count = Counter(e["status"] for e in entries if e["phase"] == phase)
        figures = " | ".join(str(count[status]) for status in STATUSES)
        lines.append(f"| [{SPELLED.get(phase, phase.capitalize())}](#{phase}) | {figures} |")
    total = Counter(entry["status"] for entry in entries)
    lines.append(f"| **All {len(entries)}** | {' | '.join(str(total[s]) for s in STATUSES)} |")
    return "\n".join(lines) + "\n"


def _reached(entries: list[dict[str, Any]]) -> str:
    """Count what stands at each level of proof, by what it was proven at."""
    found = Counter(entry["level"] for entry in entries if "level" in entry)
    head = ["How far the proofs reach, and at what:", "", "| Level | Entries |", "|---|---:|"]
    rows = [
        f"| {level} | {count} |"
        for level, count in sorted(
            found.items(), key=lambda each: (LEVELS.index(each[0].partition("@")[0]), each[0])
        )
    ]
    return "\n".join([*head, *rows]) + "\n"


def _row(entry: dict[str, Any]) -> str:
    optional = " *(optional)*" if entry.get("optional") else ""
    proofs = "<br>".join(_proof(proof) for proof in entry.get("proofs", []))
    cells = [entry["id"], ", ".join(entry["systems"]), entry["title"] + optional, entry["status"]]
    return f"| {' | '.join([*cells, entry.get('level', ''), proofs])} |"


def _proof(proof: dict[str, str]) -> str:
    [(kind, target)] = proof.items()
    if kind == "gate":
        return f"gate {target}"
    path, _, name = target.partition("::")
    link = os.path.relpath(ROOT / path, REFERENCE)
    text = name.removeprefix("test_").replace("_", " ") if name else path
    return f"[{text}]({link})"


def generated() -> dict[Path, str]:
    """Return every generated file with its content."""
    parts = [_read(path) for path in sorted(ROOT.glob("services/*/service.yaml"))]
    entries = _read(ROOT / "tests/requirements.yaml")
    return {
        REFERENCE / "requirements.md": requirements_page(entries),
        REFERENCE / "gates.md": gates_page(),
        REFERENCE / "commands.md": commands_page(),
        REFERENCE / "tarmac.schema.json": json.dumps(system_schema(), indent=2) + "\n",
        REFERENCE / "service.schema.json": json.dumps(part_schema(), indent=2) + "\n",
        ROOT / ".env.example": env_example(parts),
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
