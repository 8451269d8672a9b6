"""Argo CD, and the canaries of Flagger and Argo Rollouts."""
