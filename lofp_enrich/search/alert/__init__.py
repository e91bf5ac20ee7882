"""What an alert says, of any product."""
