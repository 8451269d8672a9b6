"""What an environment costs in its cloud, computed from the model before anything is there."""
