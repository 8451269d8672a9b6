"""Why a process failed, from its output, its ports and its program."""
