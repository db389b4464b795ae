"""What goes on inside recurrent layers while they read a row."""
