"""Gates on Dockerfiles and the images that are named."""
