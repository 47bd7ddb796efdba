"""The fact table's month partitions: what there are, what is missing, and making them."""
