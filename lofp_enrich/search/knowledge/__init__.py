"""What the lookup files hold."""
