"""Plan -> files: one file here for each family of artifacts. Pure: the tree writes them."""
