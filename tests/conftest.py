"""What every test needs: nothing but the real database that bin/test provides."""
