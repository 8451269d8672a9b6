"""A running system, here or in a cluster, as verbs and drills see it; temporary copies of it."""
