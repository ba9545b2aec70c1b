"""What is claimed of policies: one file or folder a study."""
