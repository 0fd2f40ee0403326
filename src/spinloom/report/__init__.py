"""Values → one self-contained HTML page, figures, sequence diagrams; knows nobody."""
