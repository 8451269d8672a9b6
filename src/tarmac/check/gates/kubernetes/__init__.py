"""Gates on Kubernetes objects: settings, identity, references, probes, scaling."""
