"""Recorded spot markets: reading, checking and describing them."""
