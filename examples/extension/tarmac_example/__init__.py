"""A store kind, a gate, a renderer and a fault for Tarmac, in a package of their own."""
