"""Recognises a repository's services and writes a `tarmac.yaml`; one file for each kind of project.

A file here exposes `RECOGNISER`; the folders hold what recognisers share: what an image and a
compose file say (`containers`), what a program reads (`variables`), which stores it needs
(`stores`), how packages are installed (`packages`), how all of it is joined (`survey`), what a try
teaches (`tries`), and what is written (`writing`). Each is given a listing and a reader and returns
data: nothing in this package opens a file, runs a program or prompts the user. `tarmac init` calls
it.
"""

from __future__ import annotations

#: The group of entry points in which other packages offer theirs.
ENTRY_POINTS = "tarmac.recognisers"
#: Folders in which no recogniser is.
SHARED = ("containers", "packages", "stores", "survey", "tries", "variables", "writing")
