"""Checks of a plan and its artifacts: one file here for each gate. They print nothing."""
