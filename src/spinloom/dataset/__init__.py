"""Data sets: recipe → subjects → BIDS."""
