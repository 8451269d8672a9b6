"""What runs a drill: load, faults at their times, probes, the rules of the verdict."""
