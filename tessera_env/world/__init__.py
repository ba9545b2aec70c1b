"""What a seed draws and no policy can change: parameters, random streams, the market and the workload."""
