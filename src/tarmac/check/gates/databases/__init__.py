"""Gates of what changes databases."""
