"""How the packages of a language are installed, and which of them start a program."""
