"""Gates on the network of a cluster: ports, policies, entrances, hosts, certificates."""
