"""What happens: the discrete-event simulator, tables of records, handlers of events, one loop."""
