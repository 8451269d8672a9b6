"""Values of a Dockerfile that are secret by their names, and whether builds here are given them."""

from __future__ import annotations

import re
from posixpath import normpath

from tarmac.base.foreign.reading import dig, fields, texts
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.placeholders import is_placeholder

#: Names of secret values: what an ENV or ARG holds stays in the image's history. A word that only
#: begins so is another one: TOKENSERVER, TOKENIZERS, PASSWORDLESS.
_SECRET = re.compile(
    r"(?i)(password|passwd|secret|token|credential|api_?key|private_?key)"
    r"(s|\d+|(access)?keys?|id|value|phrase|hash|s?json)?(?![a-z])"
)
#: Ends of names of places, and of what is told of a secret. That of the container's own
#: credentials is known to it alone.
_PLACES = (
    "_FILE", "_PATH", "_CREDENTIALS_RELATIVE_URI", "_NAME", "_BACKEND", "_TYPE", "_LENGTH", "_TTL",
    "_LIFETIME", "_EXPIRY", "_ALGORITHM",
)  # fmt: skip
#: Names of values that are written into public pages, and of switches.
_PUBLIC = re.compile(
    r"(VITE|REACT_APP|VUE_APP|(NEXT|NUXT|EXPO)_PUBLIC|(\w+_)?(USE|ENABLE|SKIP))_\w+"
)

#: What says of itself that it is for a build alone.
_SAID = re.compile(r"(?i)insecure|unsafe|not[-_ ]?(a[-_ ]?)?(real|secret)|fake")
#: Values that are public, so that no secret is told.
_PUBLIC_VALUE = re.compile(r"(?i)(default|change|example|sample|none|null)([-_ ]|me\b|$)")
_SWITCHES = ("yes", "no", "true", "false", "0", "1")
#: Values that anyone tries first: no history tells them.
_TRIED = re.compile(
    r"(?i)(admin|root|user|guest|test(ing|er)?|demo|pass(word|wd)?|postgres|mysql|qwerty"
    r"|((super|very|top|my|some)[-_ ]?)*secret([-_ ]?(string|key|word|password|value|token))?)"
    r"[\d!.]{0,4}|1234\d{0,6}"
)
_STAGE = re.compile(r"^[ \t]*FROM[ \t]", re.MULTILINE | re.IGNORECASE)
_STEP = re.compile(r"^[ \t]*RUN[ \t]", re.MULTILINE | re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Tell whether the name of a variable says that its value is secret."""
    is_told = name.upper().endswith(_PLACES) or _PUBLIC.fullmatch(name)
    return _SECRET.search(name) is not None and not is_told


def held_secret(name: str, value: str, *, is_user: bool) -> str:
    """Say what an image does with a secret that a variable of it holds; "" where that has none.

    Args:
        is_user: the value is the name of a user, too.
    """
    # The place of a secret is none: GOOGLE_APPLICATION_CREDENTIALS=/run/key.json
    is_none = value.lower() in _SWITCHES or value.startswith(("$", "/"))
    is_told = _PUBLIC_VALUE.match(value) or _SAID.search(value) or is_placeholder(value)
    if is_none or is_told or not is_secret(name):
        return ""
    is_word = value.lower() in name.lower().split("_")
    is_guessed = is_user or is_word or _TRIED.fullmatch(value)
    guessed = "holds a word of its own name, or one that anyone guesses"
    return guessed if is_guessed else "stays in the image's history"


def is_never_given(files: Files, path: str, text: str, name: str) -> bool:
    """Tell whether an argument that nothing reads is left empty here, or no later step has it.

    Args:
        path: the Dockerfile's, and `text` what is in it.
        name: the argument's.
    """
    is_empty = re.search(rf"^[ \t]*ARG[ \t]+{name}[ \t]*$", text, re.MULTILINE | re.IGNORECASE)
    if is_empty is None or re.search(rf"\$\{{?{name}\b", text):
        return False
    later = _STAGE.split(text[is_empty.end() :])[0]
    if _STEP.search(later) is None:
        return True  # the history has arguments with the steps that run
    own = [
        dig(service.data, "build", "args")
        for service in compose_services(files)
        if service.dockerfile is not None and normpath(service.dockerfile) == normpath(path)
    ]
    given = {str(word).partition("=")[0] for args in own for word in (*fields(args), *texts(args))}
    return bool(own) and name not in given and not _is_given_elsewhere(files, name)


def _is_given_elsewhere(files: Files, name: str) -> bool:
    """Tell whether a command, a workflow or a pipeline gives a build an argument."""
    found = (str(one.content) for one in files.artifacts)
    return any("build-arg" in one and re.search(rf"\b{name}\b", one) for one in found)
