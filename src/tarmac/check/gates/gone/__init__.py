"""What files ask for is still there: runners, actions, images, packages, addresses."""
