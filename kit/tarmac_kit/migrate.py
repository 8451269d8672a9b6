"""`python -m tarmac_kit.migrate tarmac_orders [tarmac_other ...]`: migrates, and ends.

For migrations before the first new process starts, as a Job before a rollout: a
service applies them at its start all the same. It waits for a server that is not there yet; exit 0
once all are applied, 1 when one cannot be, 2 with a line on stderr for each bad setting.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from tarmac_kit.app import create_app
from tarmac_kit.logs import get_logger, without_credentials
from tarmac_kit.migrations import MigrationError
from tarmac_kit.serve import load
from tarmac_kit.settings import SettingsError


def _refusals() -> tuple[type[Exception], ...]:
    """Return what ends it: a file, or a server that knows no such user yet."""
    try:
        import asyncpg  # noqa: PLC0415 - only with a database
    except ModuleNotFoundError:
        return (MigrationError,)
    return (MigrationError, asyncpg.PostgresError)


def main(packages: Sequence[str] | None = None) -> int:
    """Apply the migrations of the parts; return the exit code."""
    packages = sys.argv[1:] if packages is None else packages
    if not packages:
        sys.stderr.write("tarmac_kit.migrate: no package given; name one, as in tarmac_orders\n")
        return 2
    try:
        app = create_app([load(package) for package in packages])
    except SettingsError as error:
        sys.stderr.write("".join(f"{line}\n" for line in error.lines))
        return 2
    try:
        applied = asyncio.run(app.chassis.migrate())
    except _refusals() as error:
        get_logger().critical("cannot migrate", error=without_credentials(str(error)))
        return 1
    except KeyboardInterrupt:
        return 130
    get_logger().info("migrated", applied=applied)
    return 0


if __name__ == "__main__":
    sys.exit(main())
