"""The legs of the matrix, a file each.

A leg is a module with ``SUMMARY`` (what is other than usual), ``obstacle()`` (why it can't be run
here; empty if it can) and ``run(site)``, which builds the release and gives its folder.
"""
