"""What the services tell of themselves: one catalogue of metrics, sources of samples, two ways out.

A source is a function that returns samples; it runs when somebody asks, and never on a job's way.
"""
