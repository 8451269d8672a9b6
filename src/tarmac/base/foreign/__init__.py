"""The one way in for files that others wrote: `files` opens and decodes, `data` parses.

A leaf: every reader of a model, a repository, a rendered tree or an environment file asks here.
What is over a limit, of another kind or not UTF-8 is an error with its place.
"""
