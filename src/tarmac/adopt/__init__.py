"""Recognises a repository's services and writes a `tarmac.yaml`; one file for each kind of project.

A file here exposes `RECOGNISER`. It is given a listing and a reader and returns data: nothing in
this package opens a file, runs a program or prompts the user. `tarmac init` calls it.
"""

from __future__ import annotations

#: The group of entry points in which other packages offer theirs.
ENTRY_POINTS = "tarmac.recognisers"
