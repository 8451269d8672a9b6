"""Why something failed, in words: from its output, its ports and its program."""
