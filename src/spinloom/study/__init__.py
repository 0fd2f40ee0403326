"""Whole experiments that a paper would report, each one command that ends in a page with its tables and limits."""
