"""Gates on what runs in an environment's cluster, beside its rendered tree."""
