"""Policies that plan ahead for all tasks that they know of."""
