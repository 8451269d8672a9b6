"""A drill's file: read, checked, explained."""
