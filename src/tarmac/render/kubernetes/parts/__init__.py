"""What the objects share: metadata, pods, disks, identity, addresses."""
