"""Docker Compose: development, and a staging profile."""
