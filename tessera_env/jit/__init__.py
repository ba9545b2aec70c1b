"""How Python becomes machine code: the decorator of compiled functions, and the cached entry point."""
