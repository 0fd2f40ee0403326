"""simulate(): phantom, sequence, scanner → k-space, by Bloch equations or closed forms."""
