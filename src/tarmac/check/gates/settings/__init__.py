"""Gates on what pods are given: variables, keys of ConfigMaps and Secrets, files."""
