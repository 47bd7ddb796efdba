"""What we doubt: findings, their log and their triage. Knows warehouse."""
