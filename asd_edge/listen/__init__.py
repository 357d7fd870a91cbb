"""Stage 17: the service on a small computer: microphones -> scores, alarms, an account of every window, as events."""
