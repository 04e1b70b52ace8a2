"""What `test_story` tells its stories with."""
