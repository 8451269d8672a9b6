"""What images, compose files and manifests say of the programs in them."""
