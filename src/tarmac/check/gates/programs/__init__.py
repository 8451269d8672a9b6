"""Gates that run other projects' checkers over the rendered tree."""
