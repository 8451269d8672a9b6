"""Gates on workloads: probes, resources, numbers of pods, members and jobs."""
