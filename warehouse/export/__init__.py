"""The way out: copies of the tables as Parquet, by month, in a folder or a bucket (docs/export.md)."""
