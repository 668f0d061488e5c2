"""The HTTP edge that every route shares: keys, one transaction a request, problems, lists, shapes."""
