"""Files of the service mesh: its installation, encryption, callers, failing endpoints."""
