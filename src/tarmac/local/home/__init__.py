"""What one copy of a system keeps on disk: state, logs, secrets; and what an earlier run left."""
