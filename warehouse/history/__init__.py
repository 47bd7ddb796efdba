"""What the stored facts answer: how a park's days went."""
