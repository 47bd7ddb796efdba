"""The catalogue of ThemeParks.wiki: names, places, kinds and heights."""
