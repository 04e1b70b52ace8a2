"""The command, run as people run it: as a process of its own, with its streams, its status and its terminal."""
