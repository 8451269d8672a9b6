"""What verbs share: their options, the system that they are about, longer steps."""
