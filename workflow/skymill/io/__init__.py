"""The only code that writes a product, so that determinism, units and provenance live here."""
