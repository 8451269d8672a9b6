"""What the mesh's objects and the controllers of canaries share."""
