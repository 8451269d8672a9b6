"""What the renderers of this topic share."""
