"""The live API of ThemeParks.wiki, and collecting the states it reports."""
