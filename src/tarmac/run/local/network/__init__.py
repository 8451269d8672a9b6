"""The network between services: a proxy for each edge, the ingress, undeclared connections."""
