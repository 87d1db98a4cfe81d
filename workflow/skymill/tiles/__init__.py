"""The tiles room: frames of a tile and band → the planes of its stack, on the tile's fixed grid."""
