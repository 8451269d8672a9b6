"""Crashes a service at every step that touches the world, and sees what that loses or doubles.

For tests of services: re-exported by `tarmac_kit.testing`. Each service runs in a process of its
own, forked from the test's; statements, publishes, acks and calls are numbered, and the process
ends at number k as by a power cut. It is started again, the journey goes on as a customer would,
and once all is at rest the rows must be right.
"""

from __future__ import annotations

from tarmac_kit.crashing.report import Finding, Report
from tarmac_kit.crashing.service import Hosted
from tarmac_kit.crashing.world import Journey, World, crashing

__all__ = ["Finding", "Hosted", "Journey", "Report", "World", "crashing"]
