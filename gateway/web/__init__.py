"""The HTTP edge every route shares: keys, one transaction a request, problems, lists, shapes."""
