"""Promotes what ran in one environment into the next, in the model's file."""
