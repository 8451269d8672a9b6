"""Runs a plan on this machine: facts, processes, probes, logs and state.

The command line calls it; it never decides a name, a port or a URL (the plan does).
"""
