"""Starts what `tarmac init` wrote, and writes it again as the trial corrects it. `init` asks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tarmac.adopt.writing.write import write
from tarmac.base import writing
from tarmac.cli.output import printing, progress
from tarmac.cli.parts import project
from tarmac.run import trial

if TYPE_CHECKING:
    from pathlib import Path

    from tarmac.adopt.survey.found import Survey


def tried(
    found: Survey, file: Path, system: str, kinds: frozenset[str], providers: tuple[str, ...]
) -> trial.Trial:
    """Start the system of a file that was written, correct the file by what fails, and stop it.

    Args:
        kinds: the store kinds that there are.
        providers: of stores or kinds, as `up` takes them.
    """

    def save(now: Survey) -> None:
        writing.write_file(file, write(now, system))

    progress.treat_signals_as_ctrl_c()
    wait = partial(progress.wait, printing.open_console(stderr=True))
    return trial.try_out(found, project.find(str(file)), kinds, save, wait, providers)
