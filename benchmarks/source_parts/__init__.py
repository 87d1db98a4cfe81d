"""Groups of figures of the sources room."""
