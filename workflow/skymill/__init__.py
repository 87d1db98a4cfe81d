"""Skymill mills the raw frames of a wide-field survey into a published data release."""

__version__ = "0.1.0"
