"""Gates on Kubernetes objects: settings, network, identity, probes, scaling."""
