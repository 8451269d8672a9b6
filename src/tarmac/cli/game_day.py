"""`tarmac game-day`: drills one after another, and one form."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

import click

from tarmac.cli.drill import EXIT
from tarmac.cli.output import terminal
from tarmac.cli.parts import project

SECTION = "Drill"
OWNER = "drill"


@click.command("game-day", short_help="Run drills one after another; fill in a form.")
@click.argument("named", metavar="[SYSTEM] [NAME]", nargs=-1, callback=project.system_and_name)
@click.option("--list", "lists", is_flag=True, help="List the system's game days.")
@click.option("--explain", "explains", is_flag=True, help="Explain what NAME does; run nothing.")
@project.file_option(
    "--journal", "journal", "Write the journal to this file; default: beside the data."
)
@project.file_option("--form", "form", "Write the form, a Markdown file.")
@project.json_option
def VERB(
    named: tuple[str | None, str | None],
    journal: Path | None,
    form: Path | None,
    *,
    lists: bool,
    explains: bool,
    as_json: bool,
) -> None:
    """Run the drills of the game day NAME of SYSTEM in their order, and fill in a form.

    NAME is a file `game-days/NAME.yaml` beside the system's file, or the path of one. Each drill
    runs on a copy of its own. The remaining drills run even if one does not pass; the verdict is
    the worst of all. A drill whose file expects FAIL passes if it fails. The form has each drill's
    hypothesis, abort rule and result, and room for what people add.

    Exit code 0 for PASS, 1 for FAIL, 4 for INVALID: the drills prove nothing.

    Example: tarmac game-day shop data --form data.md
    """
    from tarmac.cli.output import drill_result, printing
    from tarmac.drill import evidence_of_run, explain, game_day, read_drill, session
    from tarmac.drill.drill import sentence
    from tarmac.drill.file import drill_file
    from tarmac.drill.report import game_day_form
    from tarmac.project.reading import load

    system, name = named
    file = project.find(system)
    loaded = load(str(file))
    if lists or name is None:
        days = {one: game_day.load(one, loaded)[1].title for one in game_day.known(loaded)}
        drill_result.show_list("game-days", days, as_json=as_json)
        return
    path, day = game_day.load(name, loaded)
    drills = [read_drill.read(loaded, drill_file.find(loaded, drill)) for drill in day.drills]
    if explains:
        explained_drills = {
            drill.path.stem: list(explain.sentences(drill.file, drill.kind, drill.gaps))
            for drill in drills
        }
        drill_result.show_explained(explained_drills, as_json=as_json)
        return
    say = (lambda line: click.echo(line, err=True)) if as_json else click.echo
    started, written = dt.datetime.now(dt.UTC), []
    for number, drill in enumerate(drills, 1):
        say(f"drill {number} of {len(drills)}: {drill.path.stem}")
        result, found = session.carry_out_or_say(loaded, file, drill, say)
        if not as_json:
            drill_result.show(printing.open_console(), result, drill.file.expect)
        explained = list(explain.sentences(drill.file, drill.kind, drill.gaps))
        evidence_of_run.write(loaded, file, drill, found, say)
        written.append({**found, "explained": explained, "abort": explain.abort(drill.file)})
    whole = game_day.as_data(loaded, path, day, written, started)
    journal = journal or file.parent / ".tarmac" / f"game-day-{path.stem}.json"
    drill_result.write_all({journal: json.dumps(whole, indent=2) + "\n"})
    if form is not None:
        drill_result.write_all({form: game_day_form.as_markdown(whole)})
    if as_json:
        terminal.print_json(whole)
    else:
        for drill, entry in zip(drills, written, strict=True):
            said = sentence(entry["verdict"], drill.file.expect)
            click.echo(f"{said:8} {drill.path.stem}")
        click.echo(f"{whole['verdict']}\njournal: {project.shown(journal)}")
    sys.exit(EXIT[whole["verdict"]])
