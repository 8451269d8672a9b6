"""Wire formats of servers, without I/O: `local` sends what they yield and gives the answers."""
