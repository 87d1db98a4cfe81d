"""The sources room: stacks → measurements, maps, homogenised stacks, tile catalogues."""
