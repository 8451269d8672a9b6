"""How a process is started and ended: the guard, the ways to spawn, the channels to them."""
