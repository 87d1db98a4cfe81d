"""The release room: archives, the quality report, the manifest, and their verification."""
