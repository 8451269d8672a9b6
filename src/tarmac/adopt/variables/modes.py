"""What chooses a program's settings for work, where it ends without a word of that.

`variables` asks. Patterns of a limited reach, as those of `code`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice

from tarmac.adopt.survey.found import Folder
from tarmac.adopt.variables.variable_read import VariableRead

_FAILS = re.compile(r"\bthrow\b|\braise\b|\bexit\(|\bpanic\(|\bFatal|\babort\(")
#: Variables that choose among settings, and the words for those of this place, in order.
_CHOOSES = re.compile(r"(?:^|_)(?:ENV|ENVIRONMENT|MODE|PROFILE|STAGE)$")
_OF_WORK = ("development", "dev", "local")


#: What is done where no case is met.
_LAST = re.compile(r"\b(?:else|default)\b[\s:{]{1,40}([^{}\n]{0,80})")
_PUT = re.compile(r"(?<!\w)(\w{1,80})[ \t]{0,20}:?=(?!=)")
#: A variable is read so many times at most, and put into something so near before it.
_MOST_READ, _NEAR = 20, 200


def _holder(text: str, name: str) -> str:
    """Name what a variable is put into: `env = os.environ["APP_ENV"]`; "" for none."""
    reads = re.finditer(rf"['\"]{name}['\"]|\bprocess\.env\.{name}\b", text)
    for match in islice(reads, _MOST_READ):
        begin = max(text.rfind("\n", 0, match.start()) + 1, match.start() - _NEAR)
        if held := _PUT.search(text[begin : match.start()]):
            return held[1]
    return ""


def _tests(text: str, held: str, *, cases_alone: bool = False) -> str:
    """Join what a name is compared with: `env == "x"`, `switch env { case "x": }`."""
    compared = re.findall(rf"\b{held}\b\s*===?\s*(['\"]\w+['\"])", text)
    compared = [] if cases_alone else compared
    chosen = re.search(rf"\b(?:switch|match)\b[ (]*{held}\b[^\n]*\n", text)
    cases = re.findall(r"\bcase\s+(['\"]\w+['\"])", text[chosen.end() :]) if chosen else []
    return " ".join((*compared, *cases))


def wanted_modes(folder: Folder, reads: Mapping[str, VariableRead]) -> dict[str, str]:
    """Say what chooses the settings for work, where a program ends without a word of it.

    `if env == "production": ... elif env == "development": ... else: raise`.
    """
    found = {}
    for name, read in reads.items():
        if read.default or name == "NODE_ENV":
            continue
        text = folder.read(read.place.rpartition(":")[0])
        held = _holder(text, name)
        tests = _tests(text, held, cases_alone=not _CHOOSES.search(name)) if held else ""
        said = re.findall(r"['\"](\w+)['\"]", tests)
        word = next((one for word in _OF_WORK for one in said if one.lower() == word), "")
        if word and any(map(_FAILS.search, _LAST.findall(text))):
            found[name] = word
    return found
