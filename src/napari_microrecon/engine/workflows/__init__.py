"""Whole jobs, from what the user gives to what is kept: one for the command line, the window, Python and replay."""
