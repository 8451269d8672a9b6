"""What this machine has and allows: programs, ports, sockets, privileges."""
