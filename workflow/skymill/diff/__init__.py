"""Where two releases, or two products, differ."""
