"""The life of each node: prepared, started, probed, restarted, replaced, stopped."""
