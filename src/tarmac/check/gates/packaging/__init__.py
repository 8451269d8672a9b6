"""Gates on charts and kustomizations: what they are made of, and what they make."""
