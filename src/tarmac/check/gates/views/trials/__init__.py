"""How new versions are tried, by Flagger and by Argo."""
