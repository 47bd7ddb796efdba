"""Pages of what parks and rides did: a park over a period, one of its days in full, a ride over a period."""
