"""What images are made of and run by: Dockerfiles and Compose files."""
