"""What every room uses: errors, artifacts, evidence, launches, contracts of targets."""
