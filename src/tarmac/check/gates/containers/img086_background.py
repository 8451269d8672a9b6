"""The program that a container starts stays in the foreground: the container ends with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.mounted_files import mounted_files
from tarmac.check.gates.views.images.image_files import ImageFiles
from tarmac.check.gates.views.images.started import StartedProgram, started
from tarmac.check.gates.views.scope import counted_in_files


class Daemon(NamedTuple):
    """A command that starts a server and ends, and how it stays."""

    command: re.Pattern[str]
    #: What makes it stay after all, in its own words.
    stays: re.Pattern[str]
    advice: str
    #: The settings, in a file, by which it stays or goes; "" where none does.
    stays_by: str = ""
    goes_by: str = ""


def _daemon(command: str, stays: str, advice: str, stays_by: str = "", goes_by: str = "") -> Daemon:
    return Daemon(
        re.compile(rf"(?:\S*/)?(?:{command})(?=\s|$)"), re.compile(stays), advice, stays_by, goes_by
    )


_NEVER = r"(?!)"
DAEMONS = (
    _daemon(r"service\s+\S+\s+(?:re)?start", _NEVER, "start the server itself, in the foreground"),
    _daemon(r"init\.d/\S+\s+(?:re)?start", _NEVER, "start the server itself, in the foreground"),
    _daemon(r"systemctl\s+(?:re)?start", _NEVER, "start the server itself: no systemd runs here"),
    _daemon(
        r"(?:apachectl|apache2ctl|httpd)\s+(?:-k\s+)?(?:re)?start", r"FOREGROUND",
        "write -D FOREGROUND in place of `start`",
    ),
    _daemon(
        "nginx", r"daemon\s+off|\s-[stTvVh]\b", 'add -g "daemon off;"',
        r"daemon[ \t]+off",
    ),
    _daemon(r"(?:npx\s+)?pm2\s+start", r"--no-daemon|--attach", "write pm2-runtime for `pm2`"),
    _daemon(r"gunicorn(?=.*\s(?:--daemon|-D)\b)", _NEVER, "remove --daemon"),
    _daemon("gunicorn", r"--check-config", "write daemon = False", "", r"daemon[ \t]*=[ \t]*True"),
    _daemon(r"celery(?=.*\s(?:multi\s+start|--detach)\b)", _NEVER, "start `celery worker`"),
    _daemon(r"redis-server(?=.*--daemonize\s+yes)", _NEVER, "remove --daemonize"),
    _daemon(
        "(?:redis|valkey)-server", r"--daemonize\s+no", "write daemonize no", "",
        r"daemonize[ \t]+yes",
    ),
    _daemon("supervisord", r"\s(-n|--nodaemon)\b", "add -n", r"nodaemon[ \t]*=[ \t]*true"),
    _daemon("crond|cron", r"\s-\w*[fnd]", "add -f"),
    _daemon("sshd", r"\s-\w*[Dd]", "add -D"),
    _daemon(r"mongod(?=.*\s--fork\b)", _NEVER, "remove --fork"),
    _daemon(r"uwsgi(?=.*\s(?:--daemonize|-d)\b)", _NEVER, "remove --daemonize"),
    _daemon(r"php-fpm[\d.]*(?=.*\s(?:--daemonize|-D)\b)", _NEVER, "write -F"),
    _daemon(r"memcached(?=.*\s-\w*d\b)", _NEVER, "remove -d"),
    _daemon(r"haproxy(?=.*\s-\w*D\b)", _NEVER, "remove -D"),
    _daemon(r"rabbitmq-server(?=.*\s-detached\b)", _NEVER, "remove -detached"),
)  # fmt: skip
_FILE = re.compile(r"(?:-c|--config(?:uration)?)[= ]*(\S+)|\s(/?[\w./-]+\.(?:conf|py))\b")


def check(files: Files) -> Iterator[Finding]:
    """Yield commands behind which nothing runs."""
    texts = Texts(files)
    for one in started(files):
        commands = one.commands
        if not one.is_whole or not commands or "||" in one.line:
            continue
        last = commands[-1]
        if one.is_of_shell and one.line.rstrip("\"' ").endswith("&"):
            what = f"{one.title} starts `{_short(last)} &` last, and a shell does not wait for it"
            yield Finding(one.where, f"{what}: the container ends; remove the `&`")
            continue
        found = next((daemon for daemon in DAEMONS if _goes(daemon, last, one, texts)), None)
        if found is not None:
            what = f"{one.title} starts `{_short(last)}`, which goes to the background and ends"
            yield Finding(one.where, f"{what}: the container ends with it; {found.advice}")


class Texts:
    """The settings that are here, by their paths and names."""

    def __init__(self, files: Files) -> None:
        self._files = ImageFiles(files)
        self._mounted = {
            f"service {service.name} {within}": path
            for beside in compose_files(files)
            for service in beside.services
            for path, within in mounted_files(service, beside)
        }
        self._said: dict[str, bool] = {}

    def of(self, name: str, one: StartedProgram) -> str | None:
        """Return the text of a file that a command names, mounted or copied from beside it."""
        path = self._mounted.get(f"{one.title} {name}")
        found = self._files.by_path.get(path) if path else self._files.copied(name, one)
        return str(found.content) if found else None

    def say(self, setting: str) -> bool:
        """Tell whether any file has a setting."""
        if setting not in self._said:
            found = re.compile(rf"(?m)^[ \t]*{setting}\b")
            self._said[setting] = any(
                found.search(str(one.content)) for one in self._files.by_path.values()
            )
        return self._said[setting]


def _goes(daemon: Daemon, command: str, one: StartedProgram, texts: Texts) -> bool:
    if not daemon.command.match(command) or daemon.stays.search(command):
        return False
    if not daemon.stays_by and not daemon.goes_by:
        return True
    told = [name for pair in _FILE.findall(command) for name in pair if name]
    own = [text for name in told if (text := texts.of(name, one)) is not None]
    if daemon.goes_by:
        return any(re.search(rf"(?m)^[ \t]*{daemon.goes_by}\b", text) for text in own)
    stays = re.compile(rf"(?m)^[ \t]*{daemon.stays_by}\b")
    if told or daemon.command.match("supervisord"):
        return bool(own) and not any(map(stays.search, own))
    # Without its whole configuration here, that may be made of a template.
    return texts.say("events") and not texts.say(daemon.stays_by)


def _short(command: str) -> str:
    return command if len(command) <= 60 else f"{command[:57]}..."


GATE = Gate(
    id="IMG086",
    title="The program that a container starts stays in the foreground",
    phase="containers",
    source="https://docs.docker.com/engine/containers/multi-service_container: a container runs "
    "as long as its first process does",
    check=check,
    of_files=check,
    scope=counted_in_files("commands of containers", started),
    targets=("cluster", "compose"),
    reads="the last command of CMD and ENTRYPOINT of Dockerfiles, of command and entrypoint of "
    "Compose services and of pods that serve, with the settings files that it names and that are "
    "here; not where the entrypoint of an image that is not here may read it otherwise.",
)
