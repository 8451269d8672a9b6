"""A script of the repository that its container starts: run here as it is, with its packages.

Asked last: what a script starts in the end is better known where another recogniser reads it.
"""

from __future__ import annotations

import re

from tarmac.adopt.survey.found import Folder, Recogniser, joined

#: Places that a container has, and this machine's folder has not.
_ELSEWHERE = re.compile(r"(?<![\w.$}~*])/(?!bin/|usr/bin/|dev/|tmp/|run/secrets/)[a-z]\w*/")
_SHELLS = ("sh", "bash")


def _here(folder: Folder, argv: tuple[str, ...]) -> str:
    """Say a script as a shell's argument: git may keep it without the right to run it."""
    words = argv[1:] if argv and argv[0].rsplit("/", 1)[-1] in _SHELLS else argv
    name = words[0].rsplit("/", 1)[-1] if words else ""
    wanted = words[0].removeprefix("./") if words else ""
    likely = (file for file in folder.files if file == wanted)
    named = (file for file in folder.files if words and words[0].endswith(f"/{file}"))
    place = next(likely, "") or next(named, "")
    text = folder.read(place) if place else ""
    shell = re.match(r"#!\s*\S*?\b(sh|bash)\b", text)
    if shell is None or "entrypoint" in name or 'exec "$@"' in text or _ELSEWHERE.search(text):
        return ""
    line = joined((shell[1], place, *words[1:]))
    return f"{_packages(folder, text)}{line}"


def _packages(folder: Folder, text: str) -> str:
    """Put the packages that are installed here in front of what a script calls."""
    if not re.search(r"(?m)^[ \t]*(?:exec )?(?:python|flask|django-admin|celery|gunicorn)\b", text):
        return ""
    if folder.upwards("uv.lock"):
        return "uv run "
    if folder.upwards("poetry.lock"):
        return "poetry run "
    has_list = folder.upwards("requirements.txt") or folder.upwards("pyproject.toml")
    return "PATH=.venv/bin:$PATH " if has_list else ""


RECOGNISER = Recogniser(id="shell", rank=80, here=_here)
