"""The schemas of Kubernetes objects: they ship with Tarmac, and gates ask them.

`lock` names the packages that they come from, `download` gets those with pip and go, `convert`
makes one schema for each kind, `archive` keeps all of them, `check` validates an object. Gates, the
`fetch` verb and .ci/lock-schemas use these; nothing here prints.
"""
