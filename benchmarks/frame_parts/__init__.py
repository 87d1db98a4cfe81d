"""The groups of figures that `benchmarks/frames.py` prints, one file each."""
