"""Runbooks: a page for each alert, for whoever is woken by it at three in the morning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render._alert import Alert, Book, dashboard_url
from tarmac.render._alerts import alerts
from tarmac.render._books import Promise, promises
from tarmac.render._links import page
from tarmac.render._renderer import Renderer

FOLDER = "runbooks"


def _looks(book: Book) -> Iterator[str]:
    for what, how in book.look:
        yield f"{what}:\n"
        yield f"```sh\n{how}\n```\n" if how.startswith(SHELL) else f"```text\n{how}\n```\n"


#: How a line begins that is typed into a shell; others are asked elsewhere.
SHELL = ("kubectl", "argocd", "echo", "flagger")


def _page(plan: ClusterPlan, name: str, severity: str, book: Book, head: Iterable[str]) -> Artifact:
    lines = [
        f"# {name}\n",
        (
            f"{severity}, {plan.system} in {plan.environment} (namespace `{plan.namespace}`), "
            f"team {plan.owner}\n"
        ),
        *head,
        "## What it means\n",
        f"{book.means}\n",
        "## Who is hurt\n",
        f"{book.hurts}\n",
        "## Look first\n",
        *_looks(book),
        "## Likely causes\n",
        "\n".join(f"- {each}" for each in book.causes) + "\n",
        "## What helps\n",
        "\n".join(f"{number}. {each}" for number, each in enumerate(book.cure, 1)) + "\n",
        "## Call for help when\n",
        book.escalate,
    ]
    return Artifact(f"{FOLDER}/{page(name)}", "\n".join(lines) + "\n", place=plan.model)


def _of_alert(plan: ClusterPlan, same: list[Alert]) -> Artifact:
    first = same[0]
    whose = list(dict.fromkeys(each.service for each in same if each.service))
    which = "  # " + ("one of: " + ", ".join(whose) if len(whose) > 1 else "the alert's label")
    chosen = whose[0] if whose else first.trial.labels.get("service", plan.services[0].name)
    uses = any("$SERVICE" in each for pair in first.book.look for each in pair)
    uses = uses or any("$SERVICE" in each for each in first.book.cure)
    said = [
        f"Fires when this was so for {first.for_m} minutes"
        + (f" (of {chosen}; the others' differ by the name):\n" if len(whose) > 1 else ":\n"),
        f"```text\n{first.expr}\n```\n",
        f"Dashboard: {dashboard_url(plan, first)}\n".replace(
            "{{ $labels.service }}", "SERVICE, the alert's label"
        ),
    ]
    if uses:
        said.append(f"Say first whose it is:\n\n```sh\nSERVICE={chosen}{which}\n```\n")
    severities = sorted({each.severity for each in same})
    return _page(plan, first.name, " or ".join(severities).capitalize(), first.book, said)


def _of_promise(plan: ClusterPlan, promise: Promise) -> Artifact:
    return _page(plan, promise.name, promise.severity.capitalize(), promise.book, promise.head)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield a page for each alert of this environment, those on objectives among them."""
    made = alerts(plan)
    if not made:
        return
    by_name: dict[str, list[Alert]] = {}
    for group in made.values():
        for alert in group:
            by_name.setdefault(alert.name, []).append(alert)
    for same in by_name.values():
        yield _of_alert(plan, same)
    for promise in promises(plan):
        if promise.name not in by_name:
            yield _of_promise(plan, promise)


RENDERER = Renderer(
    id="runbooks",
    phase="observability",
    title="A runbook for each alert: what it means, where to look, what helps",
    render=render,
)
