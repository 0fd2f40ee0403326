"""Files ↔ nouns. All formats live here."""
