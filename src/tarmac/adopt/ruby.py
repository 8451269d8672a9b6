"""Ruby: Rails, whatever Rack serves, and programs that a Gemfile belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tarmac.adopt.survey.found import Folder, Recogniser, Service, folder_name, joined, local_ports

_SERVES = re.compile(r"^require ['\"]sinatra['\"]|Sinatra::Base|WEBrick|\brun!", re.MULTILINE)
_GEM = r"^[ \t]*gem\s+['\"]{}['\"]"
_PROGRAMS = ("rails", "puma", "rackup", "ruby", "sidekiq", "unicorn", "thin", "rake")
_RACK = "bundle exec rackup --host 127.0.0.1 --port $PORT"


def _uses(folder: Folder, gem: str) -> bool:
    return bool(re.search(_GEM.format(gem), folder.read("Gemfile"), re.MULTILINE))


def _tasks(folder: Folder) -> Mapping[str, str]:
    if "Gemfile" not in folder.files:
        return {}
    # In the folder, where it needs no rights and harms no other project.
    return {"install": "bundle check > /dev/null || bundle install --quiet"}


def _services(folder: Folder) -> tuple[Service, ...]:
    if "Gemfile" not in folder.files:
        return ()
    main = next((f for f in folder.sources(".rb") if _SERVES.search(folder.read(f))), "")
    if "config/application.rb" in folder.files or "bin/rails" in folder.files:
        run, port, why = "bundle exec rails server -b 127.0.0.1 -p $PORT", 3000, "Gemfile: rails"
    elif "config.ru" in folder.files:
        puma = "bundle exec puma -b tcp://127.0.0.1:$PORT"
        run, port, why = puma if _uses(folder, "puma") else _RACK, 9292, "config.ru"
    elif main:
        run, port, why = f"bundle exec ruby {main} -p $PORT", 4567, main
        if "ARGV" not in folder.read(main) and "PORT" in folder.read(main):
            run = f"bundle exec ruby {main}"
    else:
        return ()
    return (
        Service(
            name=folder_name(folder),
            folder=folder.path,
            run=run,
            why=why,
            ports={"http": port},
            reads_port=True,
            tasks=_tasks(folder),
        ),
    )


def _here(folder: Folder, argv: tuple[str, ...]) -> str:
    if "Gemfile" not in folder.files or not argv:
        return ""
    words = tuple(word for word in argv if word not in ("bundle", "exec"))
    program = words[0].removeprefix("./") if words else ""
    if program.removeprefix("bin/") not in _PROGRAMS:
        # A script of the program's own finds its packages by itself.
        return joined(words) if program.startswith("bin/") and program in folder.files else ""
    line = joined(local_ports((program.removeprefix("bin/"), *words[1:])))
    if re.match(r"rails (?:s|server)\b", line):
        line = re.sub(r" (?:-b|--binding|-p|--port)[ =]\S+", "", line)
        line = f"{line} -b 127.0.0.1 -p $PORT"
    return f"bundle exec {line}"


RECOGNISER = Recogniser(id="ruby", rank=50, services=_services, tasks=_tasks, here=_here)
