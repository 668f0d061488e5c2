"""Who must know: events, endpoints, signed deliveries, alarms."""
