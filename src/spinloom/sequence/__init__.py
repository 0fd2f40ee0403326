"""Sequences: events, blocks, named protocols, timing and hardware checks."""
