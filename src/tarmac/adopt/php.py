"""PHP: Laravel, Symfony, and whatever has a public folder, by PHP's own server."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tarmac.adopt.survey.found import (
    Folder,
    Recogniser,
    Service,
    folder_name,
    installed,
    joined,
    local_ports,
)
from tarmac.base.foreign.data import from_json

#: Programs that start others at a time of the day.
_CRONS = ("supercronic", "crond", "cron")
#: What takes the jobs of a queue, with its options.
_TAKES_JOBS = re.compile(r"php artisan (?:queue:(?:work|listen)|horizon)\b(?: [\w.:/=-]+)*")
_PUBLIC = ("public/index.php", "web/index.php", "html/index.php", "index.php")


def _tasks(folder: Folder) -> Mapping[str, str]:
    if "composer.json" not in folder.files:
        return {}
    return {
        "install": installed(
            "vendor/autoload.php", "composer install --no-progress --no-interaction"
        )
    }


def _services(folder: Folder) -> tuple[Service, ...]:
    front = folder.has(*_PUBLIC)
    if "composer.json" not in folder.files or not front:
        return ()
    place = front.rpartition("/")[0] or "."
    run, why = f"php -S 127.0.0.1:$PORT -t {place}", f"composer.json, {front}"
    if "artisan" in folder.files:
        run, why = "php artisan serve --host=127.0.0.1 --port=$PORT", "composer.json, artisan"
    main = Service(
        name=folder_name(folder),
        folder=folder.path,
        run=run,
        why=why,
        ports={"http": 8000},
        reads_port=True,
        reloads=True,  # each request is read from its file
        tasks=_tasks(folder),
    )
    return (main, *_queue(folder))


def _queue(folder: Folder) -> tuple[Service, ...]:
    """Find what takes Laravel's jobs, as `composer dev` starts it beside the server."""
    scripts = (folder.mapping("composer.json", from_json) or {}).get("scripts")
    dev = scripts.get("dev") if isinstance(scripts, dict) else None
    line = _TAKES_JOBS.search("\n".join(map(str, dev)) if isinstance(dev, list) else str(dev))
    if line is None or "artisan" not in folder.files:
        return ()
    return (
        Service(
            name=f"{folder_name(folder)}-queue" if folder.path else "queue",
            folder=folder.path,
            run=line[0].strip(),
            why="composer.json: scripts.dev",
            tasks=_tasks(folder),
            aside=True,
        ),
    )


def _here(folder: Folder, argv: tuple[str, ...]) -> str:
    if "composer.json" not in folder.files or not argv:
        return ""
    if argv[0].rsplit("/", 1)[-1] == "php":
        return joined(local_ports(("php", *argv[1:])))
    program = argv[0].rsplit("/", 1)[-1]
    if program in _CRONS and any("artisan schedule:run" in folder.read(w) for w in argv[1:]):
        return "php artisan schedule:work"  # what cron would ask each minute
    # A web server's image around the same program.
    serves = program in ("apache2-foreground", "php-fpm", "frankenphp", "rr")
    found = _services(folder) if serves else ()
    return found[0].run if found else ""


RECOGNISER = Recogniser(id="php", rank=50, services=_services, tasks=_tasks, here=_here)
