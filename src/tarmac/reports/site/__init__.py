"""A system's catalogue as pages, without a developer portal; `tarmac docs` writes them."""
