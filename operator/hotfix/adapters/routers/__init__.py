"""One file per kind of route; each implements the Router port."""
