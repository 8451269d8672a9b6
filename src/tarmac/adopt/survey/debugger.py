"""Starts a program without the debugger that would wait for its developer to attach, or its port.

The survey asks. A container of a team may have it on: nothing answers until an editor connects.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tarmac.adopt.survey.found import Folder, Service
from tarmac.adopt.variables import code

_WAITS = re.compile(r"\b(?:debugpy\.wait_for_client|ptvsd\.wait_for_attach)\(")
_LISTENS = re.compile(
    r"\b(?:debugpy\.listen|ptvsd\.enable_attach)\([^\d\n]{0,40}(?:\d+(?:\.\d+){3}['\"],\s*)?(\d{4,5})"
)
_ASKS = re.compile(r"(?:getenv\(|environ(?:\.get\(|\[))\s*['\"](\w*DEBUG\w*)['\"]")


def without_debugger(service: Service, folder: Folder) -> Service:
    """Leave out the variable that turns such a debugger on, and the port of any, which it takes."""
    texts = [text for _, text in code.texts(folder)]
    waiting = [text for text in texts if _WAITS.search(text)]
    names = {name for text in waiting for name in _ASKS.findall(text)} & service.env.keys()
    numbers = {int(number) for text in texts for number in _LISTENS.findall(text)}
    ports = {key: number for key, number in service.ports.items() if number not in numbers}
    service = replace(service, ports=ports) if ports else service
    if not names:
        return service
    said = f"{', '.join(sorted(names))} is left out: it has the program wait for a debugger"
    return replace(
        service,
        env={name: value for name, value in service.env.items() if name not in names},
        ports=ports,
        remarks=(*service.remarks, said),
    )
