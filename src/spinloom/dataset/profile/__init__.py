"""What real scans are like, in numbers that a simulated scan can be given."""
