"""Gates on objects that operators and controllers read."""
