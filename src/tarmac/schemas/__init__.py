"""The schemas of Kubernetes objects: downloaded once per machine, prepared, and used by gates.

`lock` says what is brought, `bring` brings it (the one that uses the network), `convert` prepares
it, `check` asks it. Gates and the `fetch` verb these; nothing here prints.
"""
