""".NET: a project file, its own or one below."""

from __future__ import annotations

import posixpath
import re

from tarmac.adopt.survey.found import Folder, Recogniser, Service, folder_name

_KINDS = (".csproj", ".fsproj")


def _services(folder: Folder) -> tuple[Service, ...]:
    here = [f for f in folder.sources(*_KINDS) if "/" not in f and "test" not in f.lower()]
    if len(here) != 1:
        return ()
    text = folder.read(here[0])
    is_web = "Microsoft.NET.Sdk.Web" in text
    is_program = is_web or re.search(r"<OutputType>Exe|Sdk\.Worker", text)
    if not is_program:
        return ()
    line = "dotnet run --no-launch-profile"
    return (
        Service(
            name=folder_name(folder, posixpath.splitext(here[0])[0]),
            folder=folder.path,
            run=f"{line} --urls http://127.0.0.1:$PORT" if is_web else line,
            why=here[0],
            ports={"http": 5000} if is_web else {},
        ),
    )


def _here(folder: Folder, argv: tuple[str, ...]) -> str:
    found = _services(folder)
    return found[0].run if found and argv[:1] == ("dotnet",) else ""


RECOGNISER = Recogniser(id="dotnet", rank=50, services=_services, here=_here)
