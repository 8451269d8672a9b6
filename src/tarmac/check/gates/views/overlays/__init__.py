"""Kustomizations and what Flux applies: their files, patches and parts."""
