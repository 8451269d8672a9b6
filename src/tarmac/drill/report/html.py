"""Writes a drill's journal as one HTML file to read, mail and print: no script, nothing to load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, tostring

from tarmac.drill.drill import measured, sentence
from tarmac.drill.report.journal import expected_of
from tarmac.drill.report.timeline import element, timeline

STYLE = Path(__file__).parents[2] / "assets/drills/report.css"
Journal = Mapping[str, Any]


def as_html(journal: Journal) -> str:
    """Write a page: the verdict and why, a timeline, what visitors met, each rule, the gaps."""
    title = f"{journal['system']}: {journal['title']}"
    page = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("title", title),
            element("style", STYLE.read_text("utf-8")),
        ),
        element(
            "body",
            *_head(journal),
            *([element("h2", "Timeline"), timeline(journal)] if journal["seconds"] else []),
            *_periods(journal),
            *_rules(journal),
            *_conditions(journal),
        ),
        lang="en",
    )
    return "<!doctype html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def _head(journal: Journal) -> list[Element]:
    broken = [check for check in journal["checks"] if not check["holds"]]
    why = [f"{check['what']}: {measured(check['measured'], check['limit'])}" for check in broken]
    seconds = journal["seconds"]
    good = sum(second["good"] for second in seconds)
    visits = good + sum(second["failed"] for second in seconds)
    recovered = journal["recovered_s"]
    figures = {
        "Visits": f"{visits}",
        "Good": f"{100 * good / visits:.2f} %" if visits else "-",
        "Worst second (p99)": _ms(max((second["p99_s"] for second in seconds), default=0)),
        "As before again": "not in time" if recovered is None else f"after {recovered:.1f} s",
    }
    subtitle = f"{journal['system']} · {journal['drill']} · {journal['started']}"
    return [
        element(
            "span",
            sentence(journal["verdict"], expected_of(journal)),
            class_=f"verdict {journal['verdict']}",
        ),
        element("h1", f"{journal['title']}"),
        element("p", subtitle, class_="soft"),
        *(element("p", sentence) for sentence in why),
        element(
            "dl",
            *(
                element("div", element("dt", name), element("dd", value))
                for name, value in figures.items()
            ),
        ),
    ]


def _periods(journal: Journal) -> list[Element]:
    rows = [
        element(
            "tr",
            element("td", period["name"]),
            *(
                element("td", value, class_="number")
                for value in (
                    f"{period['first_s']} to {period['last_s']}",
                    f"{period['visits']}",
                    f"{100 * period['good'] / period['visits']:.2f} %" if period["visits"] else "-",
                    *(_ms(period[key]) for key in ("p50_s", "p99_s", "longest_s")),
                )
            ),
            element("td", ", ".join(f"{n} x {kind}" for kind, n in period["failed"].items())),
        )
        for period in journal["periods"]
    ]
    head = ("Period", "Seconds", "Visits", "Good", "p50", "p99", "Longest", "Failures")
    return [element("h2", "What visitors met"), _table(head, rows, numbers=6)] if rows else []


def _rules(journal: Journal) -> list[Element]:
    rows = [
        element(
            "tr",
            element("td", "holds" if check["holds"] else "does not hold"),
            *(element("td", check[key]) for key in ("about", "what", "measured", "limit")),
            class_="" if check["holds"] else "broken",
        )
        for check in journal["checks"]
    ]
    return [element("h2", "Rules"), _table(("", "Part", "Rule", "Measured", "Asked for"), rows)]


def _conditions(journal: Journal) -> list[Element]:
    machine, versions = journal["machine"], journal["versions"]
    stores = [element("li", store) for store in journal["stores"]]
    conditions = [f"{machine['cpus']} CPUs, {machine['system']}", f"Tarmac {versions['tarmac']}"]
    return [
        element("h2", "What this does not show"),
        element("ul", *(element("li", gap) for gap in journal["gaps"])),
        element("h2", "Run on"),
        element("ul", *stores, *(element("li", condition) for condition in conditions)),
    ]


def _table(head: tuple[str, ...], rows: list[Element], numbers: int = 0) -> Element:
    classes = ["number" if 0 < column <= numbers else "" for column in range(len(head))]
    names = [element("th", name, class_=kind) for name, kind in zip(head, classes, strict=True)]
    made = element("table", element("thead", element("tr", *names)), element("tbody", *rows))
    return element("div", made, class_="scroll")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"
