"""The one way bytes reach and leave the disk: a gate for reading, an atomic path for writing, hashes, a lock."""
