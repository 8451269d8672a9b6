"""Applications, projects, waves and the bootstrap that the renderers above share."""
