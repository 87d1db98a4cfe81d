"""The frames room: one raw exposure → calibrated frame, mask, catalogue, verdict."""
