"""Values every other layer speaks in: Image, KSpace, Scanner, Grid; units, constants, errors, random streams."""
