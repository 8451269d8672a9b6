"""Pods as gates read them: their containers, volumes, variables, rights and probes."""
