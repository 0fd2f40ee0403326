"""Image → Image by a trained translator: preparation, views and windows, the way back. Needs the extra `learn`."""
