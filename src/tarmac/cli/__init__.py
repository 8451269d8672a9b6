"""The verbs, one file each; `main` only registers them.

A verb's module defines `VERB`, a click command, and imports nothing heavy before it runs.
"""
