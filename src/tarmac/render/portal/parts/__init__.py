"""What the renderers of a portal share."""
