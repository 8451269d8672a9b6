"""Chart values and overlays, read off the plain objects."""
