"""Images, the Helm chart's values, and Kustomize overlays."""
