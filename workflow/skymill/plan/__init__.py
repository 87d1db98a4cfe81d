"""What a release costs: its jobs, hours, memory, disk and longest path, before it is built."""
