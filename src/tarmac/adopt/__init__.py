"""Recognises what is in a repository and writes a `tarmac.yaml` for it; one file a kind of thing.

A file here exposes `RECOGNISER`. It is given a listing and a reader and returns data: nothing in
this package opens a file, runs a program or asks anybody. `tarmac init` is who calls it.
"""
