"""Checks of health that images have of their Dockerfiles, which Compose files may only tune."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from tarmac.base.foreign.reading import dig, fields
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.images.dockerfiles import dockerfiles
from tarmac.check.gates.views.images.instructions import instructions


def checked_files(files: Files) -> frozenset[str]:
    """Find the Dockerfiles of which some stage has a check."""
    return frozenset(
        dockerfile.path
        for dockerfile in dockerfiles(files)
        if "HEALTHCHECK" in (text := str(dockerfile.content))
        and any(one.word == "HEALTHCHECK" for one in instructions(text))
    )


def is_checked(
    service: ComposeService, beside: Iterable[ComposeService], checked: frozenset[str]
) -> bool:
    """Tell whether a service's image is built here with a check, by it or by one beside it."""
    image = dig(service.data, "image")
    return any(
        posixpath.normpath(one.dockerfile or "-") in checked
        for one in beside
        if one.name == service.name or (image and dig(one.data, "image") == image)
    )


def is_untested(
    service: ComposeService, beside: Iterable[ComposeService], checked: frozenset[str]
) -> bool:
    """Tell whether a service has a healthcheck, and no file that is here says what it runs."""
    same = [fields(one.data, "healthcheck") for one in beside if one.name == service.name]
    own = fields(service.data, "healthcheck")
    is_said = any("test" in one or one.get("disable") for one in same)
    return bool(own) and not is_said and not is_checked(service, beside, checked)
