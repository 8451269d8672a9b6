"""Files for a developer portal."""
