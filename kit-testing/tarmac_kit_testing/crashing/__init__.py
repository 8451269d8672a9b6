"""Crashes a service at every step that does I/O, and sees what that loses or doubles.

For tests of services: re-exported by `tarmac_kit_testing`. Each service runs in a process of its
own, forked from the test's; statements, publishes, acks and calls are numbered, and the process
ends at number k as by a power cut. It is started again, the journey goes on as a customer would,
and once all is quiescent the rows must be right.
"""

from __future__ import annotations

from tarmac_kit_testing.crashing.report import CrashFinding, CrashReport
from tarmac_kit_testing.crashing.service import HostedService
from tarmac_kit_testing.crashing.world import Journey, World, crashing

__all__ = ["CrashFinding", "CrashReport", "HostedService", "Journey", "World", "crashing"]
