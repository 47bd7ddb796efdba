"""What may be wrong with the data: findings, their log and their triage. Knows warehouse."""
