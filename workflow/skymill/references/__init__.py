"""The references room: external catalogues → the project's own tables, cut into HEALPix cells."""
