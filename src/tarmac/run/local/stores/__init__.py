"""Work on running stores: set-up, seeds, snapshots, invariants, dead letters."""
