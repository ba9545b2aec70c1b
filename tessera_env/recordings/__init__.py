"""Other people's files, read strictly: traces, workloads, the catalogue of instance types."""
