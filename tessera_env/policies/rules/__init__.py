"""The hand-coded rules, one file each, compiled into the engine."""
