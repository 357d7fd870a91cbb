"""The dashboard: one page on this computer that shows what the service hears, scores and tells."""
