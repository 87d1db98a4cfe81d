"""masters: tile catalogues → unique objects, a HEALPix cell at a time."""
