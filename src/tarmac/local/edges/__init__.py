"""What stands between the services: listeners for each edge, and what went over them."""
