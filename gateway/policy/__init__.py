"""May it go: rules that allow, hold or refuse, and a record of each decision."""
