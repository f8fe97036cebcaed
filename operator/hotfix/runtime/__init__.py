"""The running process: watch, queue, HTTP endpoints, wiring. No decision is made here."""
