"""The world's DNS: zones, name servers that refer to each other, and who asks them."""
