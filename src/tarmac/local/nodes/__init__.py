"""The life of each node: prepared, probed, restarted, replaced by a successor, stopped."""
