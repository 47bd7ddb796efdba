"""What we keep: parks, rides, observations, and how they are stored. Knows none of the other apps."""
