"""The command line's verbs. Each module holds one, named like it; none imports a framework before it runs."""
