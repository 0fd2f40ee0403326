"""reconstruct(): k-space → image."""
