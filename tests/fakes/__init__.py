"""Stand-ins for what lies outside the ports: an API server in memory, its controllers, a clock, counters. Never imported by
operator/."""
