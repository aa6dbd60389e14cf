"""What a segment is like: profile, and what is worked out on a sample of the customers."""
