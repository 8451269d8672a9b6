"""A store kind, a gate and a renderer for Tarmac, in a package of their own."""
