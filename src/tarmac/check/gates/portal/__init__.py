"""Gates of what a developer portal reads."""
