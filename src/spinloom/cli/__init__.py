"""One command per verb: parses, calls one function, writes."""
