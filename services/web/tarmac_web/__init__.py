"""Pages, rendered on the server over an API."""
