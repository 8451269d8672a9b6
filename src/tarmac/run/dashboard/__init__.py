"""The dashboard: what the running system is and does, on a page of this machine alone."""
