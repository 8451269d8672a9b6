"""Gates on what Argo CD follows."""
