"""What a model says that running it here does not act on yet; `up` tells its user each of them."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.model.system import System


def unsupported(system: System, *, telemetry: bool) -> Iterator[str]:
    """Yield a line for everything that is read and checked but changes nothing here."""
    for name, service in system.file.services.items():
        if service.resources:
            yield f"{name}: resources are not enforced locally"
    if system.file.objectives and not telemetry:
        yield "objectives are not measured without telemetry"
