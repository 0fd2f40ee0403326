"""Phantoms: what is where, and ways to make one from arrays."""
