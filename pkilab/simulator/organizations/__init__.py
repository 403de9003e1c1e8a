"""AWS Organizations: a world's accounts in a tree, and the policies that bound what they may do."""
