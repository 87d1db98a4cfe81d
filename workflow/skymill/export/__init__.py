"""``skymill export``: a table of a release in another format."""
