"""How long `tarmac new service` takes, beside copier with the same template.

Both write the files of one service from a folder of templates, as a process of their own. Ours also
checks the choices against the system, looks for the language's programs and adds the entries to the
system's file. Where copier or uv is not on PATH, nothing is measured.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from bench.figure import Figure, interleaved, program, seconds, sized

from tarmac.change.create import sources, template
from tarmac.change.create.choices import Choices, values
from tarmac.model.loader import load

ROUNDS = sized(11, 1)
TEMPLATE = "python-http"
MODEL = """\
tarmac: 1
system: corner
services:
  till: {run: python3 till.py, port: 7001}
"""
CHOICES = ("--store", "postgres", "--events", "publishes")
#: The delimiters that our templates have in common with nunjucks.
DELIMITERS = {"variable_start_string": "${{", "variable_end_string": "}}"}


def measure() -> list[Figure]:
    """Return one figure: the wall time of both, in seconds."""
    copier, tarmac = program("copier"), str(Path(sys.executable).with_name("tarmac"))
    program("uv")  # without it ours refuses the language
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as name:
        place = Path(name)
        count = _for_copier(place / "template")
        made = iter(range(10_000))

        def ours() -> float:
            folder = place / f"ours-{next(made)}"
            folder.mkdir()
            (folder / "tarmac.yaml").write_text(MODEL, encoding="utf-8")
            return seconds(lambda: _run(folder, tarmac, "new", "service", "items", *CHOICES))

        def theirs() -> float:
            words = ("copy", "--quiet", "--defaults", str(place / "template"))
            return seconds(lambda: _run(place, copier, *words, f"theirs-{next(made)}"))

        ours(), theirs()  # the first run of each reads the disk
        a, b = interleaved(ours, theirs, rounds=ROUNDS)
    note = (
        f"{count} files of the template {TEMPLATE} with a store and events; theirs: `copier` with "
        f"the same files, which leaves the system's file alone; medians of {ROUNDS}"
    )
    return [Figure("new service written", "s", a, b, note)]


def _for_copier(folder: Path) -> int:
    """Write the template's files as copier takes them; return how many services get."""
    system = load("tarmac.yaml", lambda _: MODEL.encode())
    used = sources.own(TEMPLATE)
    chosen = Choices("items", ("postgres",), "publishes")
    given = {**values(chosen, system, used.data), "folder": "services/items"}
    parts = ("base", f"store-{given['store']}", f"broker-{given['broker']}")
    for part in parts:
        for beside in used.folders:
            start = f"{beside}/{part}/"
            for path, text in used.texts.items():
                if path.startswith(start):
                    file = folder / path.removeprefix(start)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text, encoding="utf-8")
    asked = {
        "_envops": DELIMITERS,
        "_templates_suffix": template.END,
        "values": {"type": "yaml", "default": yaml.safe_dump(given)},
    }
    (folder / "copier.yml").write_text(yaml.safe_dump(asked), encoding="utf-8")
    return len(template.files(used, given))


def _run(folder: Path, *words: str) -> None:
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
