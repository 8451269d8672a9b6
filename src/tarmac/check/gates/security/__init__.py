"""Gates on pods' rights, secrets, credentials, certificates and policies."""
