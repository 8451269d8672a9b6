"""Gates on the mesh and on canaries."""
