"""The same release, built under other conditions: ``make reproduce``."""
