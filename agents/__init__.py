"""Learned policies: Stable-Baselines3 training on Tessera scenarios, and export to policies that need numpy alone."""
