"""Groups of figures of the tiles room."""
