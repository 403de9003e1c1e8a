"""AWS Security Token Service: sessions of roles and users."""
