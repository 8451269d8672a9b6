"""Gates on memory, quotas, connections and nodes."""
