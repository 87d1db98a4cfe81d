"""The calibrations room: the calibration frames of a site and run → masters."""
