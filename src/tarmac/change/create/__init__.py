"""New services and systems: templates become files, and an entry in the model's text."""
